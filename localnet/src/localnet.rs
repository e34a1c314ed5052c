//! The validator's life: start, addresses, shutdown.
use crate::{
    clock::{close_slot, ClockDriver},
    config::{LocalnetConfig, MAX_SLOT_TIME_MS, MIN_SLOT_TIME_MS},
    error::LocalnetError,
    programs,
};
use crossbeam_channel::{unbounded, Receiver, Sender};
use solana_account::Account;
use std::{error::Error, future::Future, net::TcpListener, thread, time::Duration};
use surfpool_core::{
    runloops::start_local_surfnet_runloop,
    surfnet::{
        locker::SurfnetSvmLocker,
        svm::{SurfnetSvm, SurfnetSvmConfig},
    },
};
use surfpool_types::{
    BlockProductionMode, RpcConfig, SimnetCommand, SimnetConfig, SimnetEvent, SurfpoolConfig,
};
use tokio::runtime::Builder;

const HOST: &str = "127.0.0.1";
/// It takes a tenth of a second on an idle machine.
const START_TIMEOUT: Duration = Duration::from_secs(20);
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(2);
/// Between looking for free ports and binding them somebody else may take one.
const FREE_PORT_ATTEMPTS: usize = 3;
/// Surfpool's own clock; ours stands in for it, so it sleeps.
const SURFPOOL_CLOCK_MS: u64 = 24 * 60 * 60 * 1_000;
/// What a cluster's validators keep of a transaction's log.
const LOG_BYTES_LIMIT: usize = 10_000;

/// A running validator. Dropping it shuts it down.
#[derive(Debug)]
pub struct Localnet {
    rpc_url: String,
    ws_url: String,
    commands: Sender<SimnetCommand>,
    /// A message when both servers have closed their ports.
    closed: Receiver<()>,
}

impl Localnet {
    /// Starts a validator and returns once it answers requests. Blocks for about a tenth of a second; needs no async
    /// runtime and disturbs none.
    ///
    /// # Errors
    /// [`LocalnetError::SlotTime`] and [`LocalnetError::Port`] for what the configuration asks and cannot have,
    /// [`LocalnetError::Account`] for an ELF that the loader refuses, [`LocalnetError::Start`] and
    /// [`LocalnetError::Threads`] if the validator itself fails.
    pub fn start(config: LocalnetConfig) -> Result<Self, LocalnetError> {
        if !(MIN_SLOT_TIME_MS..=MAX_SLOT_TIME_MS).contains(&config.slot_time_ms) {
            return Err(LocalnetError::SlotTime {
                found: config.slot_time_ms,
            });
        }
        let attempts = match (config.rpc_port, config.ws_port) {
            (Some(_), Some(_)) => 1,
            _ => FREE_PORT_ATTEMPTS,
        };
        let mut result = Self::try_start(&config);
        for _ in 1..attempts {
            if !matches!(result, Err(LocalnetError::Start { .. })) {
                break;
            }
            result = Self::try_start(&config);
        }
        result
    }

    /// The JSON-RPC server's URL.
    pub fn rpc_url(&self) -> &str {
        &self.rpc_url
    }

    /// The WebSocket server's URL.
    pub fn ws_url(&self) -> &str {
        &self.ws_url
    }

    /// Stops the validator and returns when its ports are closed, or after two seconds at most.
    pub fn shutdown(self) {
        drop(self);
    }

    fn try_start(config: &LocalnetConfig) -> Result<Self, LocalnetError> {
        let (mut svm, events, geyser_events) = SurfnetSvm::new(SurfnetSvmConfig {
            slot_time: config.slot_time_ms,
            instruction_profiling_enabled: false,
            max_profiles: 1,
            log_bytes_limit: Some(LOG_BYTES_LIMIT),
            ..Default::default()
        })
        .map_err(start_error)?;
        for &(address, lamports) in &config.funded_accounts {
            programs::write(
                &mut svm,
                address,
                Account::new(lamports, 0, &solana_system_interface::program::ID),
            )?;
        }
        for program in &config.programs {
            programs::install(&mut svm, program)?;
        }
        // From here on every slot was opened by our rule.
        close_slot(&mut svm).map_err(start_error)?;

        let rpc = choose_ports(config)?;
        let (rpc_url, ws_url) = (
            format!("http://{HOST}:{}", rpc.bind_port),
            format!("ws://{HOST}:{}", rpc.ws_port),
        );
        let locker = SurfnetSvmLocker::new(svm);
        // The servers talk to our clock, and our clock to the run loop.
        let (commands, requests) = unbounded();
        let (runloop, runloop_commands) = unbounded();
        let (started, start_results) = unbounded();
        let (close, closed) = unbounded();

        let clock = ClockDriver {
            requests,
            runloop,
            locker: locker.clone(),
            slot_time: Duration::from_millis(config.slot_time_ms),
        };
        let started_events = started.clone();
        spawn("localnet-events", move || {
            watch(&events, &started_events, &close)
        })?;
        let servers = commands.clone();
        let surfpool = surfpool_config(rpc);
        spawn("localnet-runloop", move || {
            let run = start_local_surfnet_runloop(
                locker,
                surfpool,
                servers,
                runloop_commands,
                geyser_events,
            );
            if let Err(reason) = block_on(run) {
                let _ = started.send(Err(reason));
            }
        })?;
        spawn("localnet-clock", move || clock.run())?;

        let localnet = Self {
            rpc_url,
            ws_url,
            commands,
            closed,
        };
        match start_results.recv_timeout(START_TIMEOUT) {
            Ok(Ok(())) => Ok(localnet),
            Ok(Err(reason)) => Err(LocalnetError::Start { reason }),
            Err(_) => Err(start_error(format!(
                "it was not ready within {} s",
                START_TIMEOUT.as_secs()
            ))),
        }
    }
}

impl Drop for Localnet {
    /// Ends the run loop and closes both servers. One thread of surfpool's survives, asleep: its own clock, which it
    /// gives no means to stop.
    fn drop(&mut self) {
        if self.commands.send(SimnetCommand::Terminate(None)).is_ok() {
            let _ = self.closed.recv_timeout(SHUTDOWN_TIMEOUT);
        }
    }
}

/// Runs on a runtime of its own, since surfpool blocks the threads that it runs on.
fn block_on(run: impl Future<Output = Result<(), Box<dyn Error>>>) -> Result<(), String> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let result = runtime.block_on(run).map_err(|error| error.to_string());
    runtime.shutdown_background();
    result
}

/// Empties surfpool's event queue, which would otherwise fill and block it, and tells of the start and the end.
fn watch(events: &Receiver<SimnetEvent>, started: &Sender<Result<(), String>>, close: &Sender<()>) {
    let mut servers = 2;
    for event in events {
        match event {
            SimnetEvent::CoreStarted(_) => {
                let _ = started.send(Ok(()));
            }
            SimnetEvent::Aborted(reason) => {
                let _ = started.send(Err(reason));
            }
            SimnetEvent::Shutdown => {
                servers -= 1;
                if servers == 0 {
                    let _ = close.send(());
                    return;
                }
            }
            _ => {}
        }
    }
}

fn surfpool_config(rpc: RpcConfig) -> SurfpoolConfig {
    SurfpoolConfig {
        simnets: vec![SimnetConfig {
            offline_mode: true,
            remote_rpc_url: None,
            slot_time: SURFPOOL_CLOCK_MS,
            block_production_mode: BlockProductionMode::Manual,
            instruction_profiling_enabled: false,
            ..Default::default()
        }],
        rpc,
        ..Default::default()
    }
}

/// The ports asked for, or free ones. Surfpool prints to stderr when it cannot bind, so it is tried here first.
fn choose_ports(config: &LocalnetConfig) -> Result<RpcConfig, LocalnetError> {
    let bind = |service, port: Option<u16>| {
        let port = port.unwrap_or(0);
        let listener = TcpListener::bind((HOST, port));
        listener
            .and_then(|listener| Ok((listener.local_addr()?.port(), listener)))
            .map_err(|source| LocalnetError::Port {
                service,
                port,
                source,
            })
    };
    // Both are held until both are known, so that they differ.
    let (bind_port, _rpc) = bind("JSON-RPC", config.rpc_port)?;
    let (ws_port, _ws) = bind("WebSocket", config.ws_port)?;
    Ok(RpcConfig {
        bind_host: HOST.to_string(),
        bind_port,
        ws_port,
        ..Default::default()
    })
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), LocalnetError> {
    thread::Builder::new().name(name.to_string()).spawn(run)?;
    Ok(())
}

fn start_error(reason: impl ToString) -> LocalnetError {
    LocalnetError::Start {
        reason: reason.to_string(),
    }
}
