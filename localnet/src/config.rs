//! What a localnet is started with.
use solana_pubkey::Pubkey;

/// The slot time of Solana's clusters, in milliseconds.
pub const DEFAULT_SLOT_TIME_MS: u64 = 400;
/// The shortest slot time accepted, in milliseconds; below it the clock does little else than close slots.
pub const MIN_SLOT_TIME_MS: u64 = 10;
/// The longest slot time accepted, in milliseconds; above it fewer slots than seconds would pass, and Portcullis's
/// timelock, which counts both, would outlast its seconds.
pub const MAX_SLOT_TIME_MS: u64 = 1_000;

/// How to start a [`Localnet`](crate::Localnet).
#[derive(Clone, Debug)]
pub struct LocalnetConfig {
    /// JSON-RPC port on 127.0.0.1; `None` takes a free one.
    pub rpc_port: Option<u16>,
    /// WebSocket port on 127.0.0.1; `None` takes a free one.
    pub ws_port: Option<u16>,
    /// Milliseconds from one slot to the next, of real time and of the chain's clock alike.
    pub slot_time_ms: u64,
    /// System accounts that exist from the start, each with its lamports.
    pub funded_accounts: Vec<(Pubkey, u64)>,
    /// Programs that are callable from the start.
    pub programs: Vec<ProgramConfig>,
}

impl Default for LocalnetConfig {
    fn default() -> Self {
        Self {
            rpc_port: None,
            ws_port: None,
            slot_time_ms: DEFAULT_SLOT_TIME_MS,
            funded_accounts: Vec::new(),
            programs: Vec::new(),
        }
    }
}

/// A program to install with the accounts that loader v3 would have made, as deployed in slot 0.
#[derive(Clone, Debug)]
pub struct ProgramConfig {
    /// The address that the program is called at.
    pub program_id: Pubkey,
    /// The program's code; its `ProgramData` account is exactly large enough for it.
    pub elf: Vec<u8>,
    /// Who may upgrade the program; `None` makes it final.
    pub upgrade_authority: Option<Pubkey>,
}
