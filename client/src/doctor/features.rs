//! The features of a cluster that decide what may be deployed. They are accounts, so anyone can read them.
//!
//! The rules are those of Agave 4.2 (`create_program_runtime_environment`, solana-syscalls 4.2.2, and
//! `morph_into_deployment_environment`, solana-program-runtime 4.2.2); the addresses those of agave-feature-set 4.2.2.

use std::collections::BTreeSet;

use solana_account::Account;
use solana_sdk::pubkey::Pubkey;
use solana_sdk_ids::feature;

use crate::elf::DeployRules;

const fn key(text: &str) -> Pubkey {
    Pubkey::from_str_const(text)
}

/// SIMD-0500: only sBPF v3 and later may be deployed.
pub const ONLY_V3: Pubkey = key("B8JJXCy5amZyWG9r7EnUYLwzXSXTxG7GZ1qZ1qggo83g");
/// sBPF v3 may be deployed.
pub const ENABLE_V3: Pubkey = key("5cC3foj77CWun58pC51ebHFUWavHWKarWyR5UUik7dnC");
const ENABLE_V2: Pubkey = key("F6UVKh1ujTEFK3en2SyAL3cdVnqko1FVEXWhmdLRu6WP");
const ENABLE_V1: Pubkey = key("JE86WkYvTrzW8HgNmrHY7dFYpCmSptUpKupbo2AdQ9cG");
const DISABLE_V0: Pubkey = key("TestFeature11111111111111111111111111111111");
const REENABLE_V0: Pubkey = key("TestFeature21111111111111111111111111111111");
const DISABLE_FEES_SYSVAR: Pubkey = key("JAN1trEUEtZjgXYzNBYHU9DYd7GnThhXfFP7SzPXkPsG");

/// The feature that brings a system call.
const SYSCALLS: &[(Pubkey, &[&str])] = &[
    (
        key("HTW2pSyErTj4BV6KBM9NZ9VBUJVxt7sacNWcf76wtzb3"),
        &["sol_blake3"],
    ),
    (
        key("7rcw5UtqgDTBBv2EcynNfYckgdAaH1MAsCjKgXMkN7Ri"),
        &[
            "sol_curve_validate_point",
            "sol_curve_group_op",
            "sol_curve_multiscalar_mul",
        ],
    ),
    (
        key("b1sgUiJ3qu7hYm3tNDyyqZNQd6gLGJmJppnLNa93PCQ"),
        &["sol_curve_decompress", "sol_curve_pairing_map"],
    ),
    (
        key("HooKD5NC9QNxk25QuzCssB8ecrEzGt6eXEPBUxWp1LaR"),
        &["sol_get_last_restart_slot"],
    ),
    (
        key("A16q37opZdQMCbe5qJ6xpBB9usykfv8jZaMkxvZQi4GJ"),
        &["sol_alt_bn128_group_op"],
    ),
    (
        key("EJJewYSddEEtSZHiqugnvhQHiWyZKjkFDQASd7oKSagn"),
        &["sol_alt_bn128_compression"],
    ),
    (
        key("EBq48m8irRKuE7ZnMTLvLg2UuGSqhe8s8oMqnmja1fJw"),
        &["sol_big_mod_exp"],
    ),
    (
        key("FL9RsQA6TVUoh5xJQ9d936RHSebA1NLQqe3Zv9sXZRpr"),
        &["sol_poseidon"],
    ),
    (
        key("5TuppMutoyzhUSfuYdhgzD47F92GL1g89KpCZQKqedxP"),
        &["sol_remaining_compute_units"],
    ),
    (
        key("CLCoTADvV64PSrnR6QXty6Fwrt9Xc6EdxSJE4wLRePjq"),
        &["sol_get_sysvar"],
    ),
    (
        key("FKe75t4LXxGaQnVHdUKM6DSFifVVraGZ8LyNo7oPwy1Z"),
        &["sol_get_epoch_stake"],
    ),
    (
        key("s512oDwgx8hjMnaQjXfqqrZroVj4HvC6TkN3iSSWXCh"),
        &["sol_sha512"],
    ),
];

/// The features of a cluster, as far as they decide what may be deployed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    active: BTreeSet<Pubkey>,
    /// Asked for: the next epoch activates them.
    pending: BTreeSet<Pubkey>,
}

impl Features {
    /// The accounts to read.
    pub fn addresses() -> Vec<Pubkey> {
        let versions = [
            ONLY_V3,
            ENABLE_V3,
            ENABLE_V2,
            ENABLE_V1,
            DISABLE_V0,
            REENABLE_V0,
            DISABLE_FEES_SYSVAR,
        ];
        let syscalls = SYSCALLS.iter().map(|(address, _)| *address);
        versions.into_iter().chain(syscalls).collect()
    }

    /// What these accounts say, in the order of [`addresses`](Self::addresses); `None` where the cluster shows no feature at all.
    pub fn decode(accounts: &[Option<Account>]) -> Option<Self> {
        let mut features = Self::default();
        for (address, account) in Self::addresses().into_iter().zip(accounts) {
            let Some(account) = account.as_ref().filter(|a| a.owner == feature::ID) else {
                continue;
            };
            // An `Option` of the activation's slot (solana-feature-gate-interface 3).
            match account.data.first() {
                Some(1) => features.active.insert(address),
                Some(0) => features.pending.insert(address),
                _ => false,
            };
        }
        let none = features.active.is_empty() && features.pending.is_empty();
        (!none).then_some(features)
    }

    /// With these active, and no others.
    pub fn with_active(active: impl IntoIterator<Item = Pubkey>) -> Self {
        Self {
            active: active.into_iter().collect(),
            pending: BTreeSet::new(),
        }
    }

    fn is_active(&self, address: &Pubkey) -> bool {
        self.active.contains(address)
    }

    /// What may be deployed now.
    pub fn rules(&self) -> DeployRules {
        let v0_runs = !self.is_active(&DISABLE_V0) || self.is_active(&REENABLE_V0);
        let lowest = if self.is_active(&ONLY_V3) || !v0_runs {
            3
        } else {
            0
        };
        let highest = match () {
            () if self.is_active(&ENABLE_V3) => 3,
            () if self.is_active(&ENABLE_V2) => 2,
            () if self.is_active(&ENABLE_V1) => 1,
            () => 0,
        };
        let mut missing_syscalls: Vec<&str> = SYSCALLS
            .iter()
            .filter(|(address, _)| !self.is_active(address))
            .flat_map(|(_, names)| names.iter().copied())
            .collect();
        if self.is_active(&DISABLE_FEES_SYSVAR) {
            missing_syscalls.push("sol_get_fees_sysvar");
        }
        DeployRules {
            sbpf_versions: lowest..=highest,
            missing_syscalls,
        }
    }

    /// Whether the next epoch will refuse versions below 3.
    pub fn will_require_v3(&self) -> bool {
        self.pending.contains(&ONLY_V3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(owner: Pubkey, data: &[u8]) -> Option<Account> {
        Some(Account {
            owner,
            data: data.to_vec(),
            ..Account::default()
        })
    }

    #[test]
    fn versions_follow_the_features() {
        let versions = |active: &[Pubkey]| {
            Features::with_active(active.iter().copied())
                .rules()
                .sbpf_versions
        };
        assert_eq!(versions(&[]), 0..=0);
        assert_eq!(versions(&[ENABLE_V1]), 0..=1);
        assert_eq!(versions(&[ENABLE_V2, ENABLE_V1]), 0..=2);
        assert_eq!(versions(&[ENABLE_V3]), 0..=3);
        assert_eq!(versions(&[ENABLE_V3, ONLY_V3]), 3..=3);
        assert_eq!(versions(&[ENABLE_V3, DISABLE_V0]), 3..=3);
        assert_eq!(versions(&[ENABLE_V3, DISABLE_V0, REENABLE_V0]), 0..=3);
    }

    #[test]
    fn a_system_call_is_missing_without_its_feature() {
        let poseidon = key("FL9RsQA6TVUoh5xJQ9d936RHSebA1NLQqe3Zv9sXZRpr");
        let missing = |active: &[Pubkey]| {
            Features::with_active(active.iter().copied())
                .rules()
                .missing_syscalls
        };
        assert!(missing(&[]).contains(&"sol_poseidon"));
        assert!(!missing(&[poseidon]).contains(&"sol_poseidon"));
        assert!(!missing(&[]).contains(&"sol_get_fees_sysvar"));
        assert!(missing(&[DISABLE_FEES_SYSVAR]).contains(&"sol_get_fees_sysvar"));
    }

    #[test]
    fn a_feature_is_active_once_its_account_has_a_slot() {
        let place = |wanted: Pubkey| {
            let mut places = Features::addresses().into_iter();
            places.position(|address| address == wanted).unwrap()
        };
        let mut accounts = vec![None; Features::addresses().len()];
        assert_eq!(Features::decode(&accounts), None);
        accounts[place(ENABLE_V3)] = account(feature::ID, &[1, 0, 0, 0, 0, 0, 0, 0, 0]);
        accounts[place(ONLY_V3)] = account(feature::ID, &[0; 9]);
        // What a stranger has put at the address says nothing.
        accounts[place(DISABLE_V0)] = account(Pubkey::new_unique(), &[1; 9]);
        let found = Features::decode(&accounts).unwrap();
        assert_eq!(found.rules().sbpf_versions, 0..=3);
        assert!(found.will_require_v3());
        accounts[place(ONLY_V3)] = account(feature::ID, &[1; 9]);
        let found = Features::decode(&accounts).unwrap();
        assert_eq!(found.rules().sbpf_versions, 3..=3);
        assert!(!found.will_require_v3());
    }
}
