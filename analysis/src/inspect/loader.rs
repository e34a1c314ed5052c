//! Whether the loader of the cluster that an ELF is for would take it, and by which rules that was judged.

use litesvm::LiteSVM;
use portcullis_client::{
    doctor::Features,
    elf::{self, DeployRules, ElfError},
};
use serde::Serialize;

use super::report::SyscallUse;
use crate::elf::printable;

/// The day of mainnet-beta's features in litesvm 0.16 (`src/features.rs`).
const MAINNET_AS_OF: &str = "2026-08-24";
/// The longest reason that is shown.
const MAX_REASON: usize = 400;

/// Where rules come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RulesSource {
    /// The features that the cluster shows as active.
    Cluster,
    /// Those that mainnet-beta had on a certain day.
    BuiltIn,
}

/// What a loader takes as a new deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoaderRules {
    pub source: RulesSource,
    /// Which was asked, as its name may be shown.
    pub cluster: Option<String>,
    /// Why the features of the cluster that was asked are not known.
    pub unknown: Option<String>,
    /// The day of built-in ones.
    pub as_of: Option<&'static str>,
    pub lowest_sbpf_version: u32,
    pub highest_sbpf_version: u32,
    /// Whether the cluster's next epoch takes only version 3 (SIMD-0500).
    pub only_v3_next_epoch: bool,
    /// System calls that are not offered.
    pub missing_syscalls: Vec<&'static str>,
}

/// Those of mainnet-beta on a certain day: an ELF can be judged without a cluster.
impl Default for LoaderRules {
    fn default() -> Self {
        let mainnet = LiteSVM::mainnet_feature_set();
        let addresses = Features::addresses().into_iter();
        let active = addresses.filter(|address| mainnet.is_active(address));
        Self {
            source: RulesSource::BuiltIn,
            cluster: None,
            as_of: Some(MAINNET_AS_OF),
            ..Self::of_features(&Features::with_active(active))
        }
    }
}

impl LoaderRules {
    fn of_features(features: &Features) -> Self {
        let rules = features.rules();
        Self {
            source: RulesSource::Cluster,
            cluster: None,
            unknown: None,
            as_of: None,
            lowest_sbpf_version: *rules.sbpf_versions.start(),
            highest_sbpf_version: *rules.sbpf_versions.end(),
            only_v3_next_epoch: features.will_require_v3(),
            missing_syscalls: rules.missing_syscalls,
        }
    }

    /// Those of a cluster, by the features that it shows.
    pub fn of_cluster(cluster: String, features: &Features) -> Self {
        let rules = Self::of_features(features);
        if rules.lowest_sbpf_version > rules.highest_sbpf_version {
            let reason = "the features that it shows leave no sBPF version that may be deployed";
            return Self::unknown(cluster, reason);
        }
        Self {
            cluster: Some(cluster),
            ..rules
        }
    }

    /// The built-in ones, since the cluster's own are not known.
    pub fn unknown(cluster: String, reason: &str) -> Self {
        Self {
            cluster: Some(cluster),
            unknown: Some(printable(reason.as_bytes(), MAX_REASON)),
            ..Self::default()
        }
    }

    fn deploy_rules(&self) -> DeployRules {
        DeployRules {
            sbpf_versions: self.lowest_sbpf_version..=self.highest_sbpf_version,
            missing_syscalls: self.missing_syscalls.clone(),
        }
    }
}

/// Whether the loader would take it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loader {
    pub accepted: bool,
    pub reason: Option<String>,
    /// System calls that it makes and that are not offered. From sBPF version 3 on the loader does not look for them.
    pub not_offered: Vec<String>,
}

impl Loader {
    /// What the loader would say. The one place that asks.
    pub(super) fn judge(bytes: &[u8], syscalls: &[SyscallUse], rules: &LoaderRules) -> Self {
        let not_offered: Vec<String> = syscalls
            .iter()
            .filter(|one| rules.missing_syscalls.contains(&one.name.as_str()))
            .map(|one| one.name.clone())
            .collect();
        let reason = match elf::check_on(bytes, &rules.deploy_rules()) {
            Ok(_) | Err(ElfError::SyscallMissing { .. }) => None,
            // The virtual machine only says that a symbol is not known.
            Err(ElfError::NotLoadable { .. })
                if !not_offered.is_empty() && elf::check(bytes).is_ok() =>
            {
                let names = not_offered.join(", ");
                Some(format!(
                    "it calls {names}, which the cluster does not offer"
                ))
            }
            Err(error) => Some(printable(error.to_string().as_bytes(), MAX_REASON)),
        };
        Self {
            accepted: reason.is_none(),
            reason,
            not_offered,
        }
    }
}
