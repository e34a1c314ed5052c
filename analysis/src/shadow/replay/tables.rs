//! Lookup tables as they were: today's may be closed or deactivated, so what a transaction looked up then is put where it looks.

use solana_sdk::{message::VersionedMessage, pubkey::Pubkey};
use solana_sdk_ids::address_lookup_table;

use super::vm::Vm;
use crate::shadow::{
    bundle::{Loaded, StoredAccount},
    ShadowError,
};

/// Bytes before the addresses (`LOOKUP_TABLE_META_SIZE`, solana-address-lookup-table-interface 3).
const META: usize = 56;
const ADDRESS: usize = 32;

/// A message's accounts with those looked up: its own, then all writable, then all read-only.
///
/// # Errors
/// Where the record does not name as many as the message looks up.
pub fn resolve(message: &VersionedMessage, loaded: Option<&Loaded>) -> Result<Vec<Pubkey>, String> {
    let empty = Loaded::default();
    let loaded = loaded.unwrap_or(&empty);
    let lookups = message.address_table_lookups().unwrap_or_default();
    let writable: usize = lookups.iter().map(|l| l.writable_indexes.len()).sum();
    let readonly: usize = lookups.iter().map(|l| l.readonly_indexes.len()).sum();
    if (writable, readonly) != (loaded.writable.len(), loaded.readonly.len()) {
        return Err(format!(
            "it looks up {writable} and {readonly} addresses, and {} and {} are recorded",
            loaded.writable.len(),
            loaded.readonly.len()
        ));
    }
    let own = message.static_account_keys().iter().copied();
    let looked_up = loaded.writable.iter().chain(&loaded.readonly);
    Ok(own.chain(looked_up.map(|address| address.0)).collect())
}

/// The lookup tables that a machine lacks for a message, or has with other addresses.
pub fn missing(
    vm: &Vm,
    message: &VersionedMessage,
    loaded: &Loaded,
    slot: u64,
) -> Vec<StoredAccount> {
    let mut writable = loaded.writable.iter();
    let mut readonly = loaded.readonly.iter();
    let mut missing = Vec::new();
    for lookup in message.address_table_lookups().unwrap_or_default() {
        let mut entries = Vec::new();
        for (indexes, addresses) in [
            (&lookup.writable_indexes, &mut writable),
            (&lookup.readonly_indexes, &mut readonly),
        ] {
            for (index, address) in indexes.iter().zip(addresses) {
                entries.push((usize::from(*index), address.0));
            }
        }
        let found = vm.account(&lookup.account_key);
        let found = found.filter(|account| account.owner == address_lookup_table::ID);
        let data = found.map(|account| account.data).unwrap_or_default();
        if !serves(&data, &entries, slot) {
            missing.push(table(lookup.account_key, data, &entries));
        }
    }
    missing
}

/// Whether a table is active, was extended before this slot, and has the addresses.
fn serves(data: &[u8], entries: &[(usize, Pubkey)], slot: u64) -> bool {
    let word = |at: usize| {
        let bytes = data.get(at..at.checked_add(8)?)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    };
    let active = word(4) == Some(u64::MAX) && word(12).is_some_and(|extended| extended < slot);
    let has = |(index, address): &(usize, Pubkey)| {
        let start = index.saturating_mul(ADDRESS).saturating_add(META);
        data.get(start..start.saturating_add(ADDRESS)) == Some(address.as_ref())
    };
    active && data.starts_with(&[1, 0, 0, 0]) && entries.iter().all(has)
}

/// A table that is active for ever, with the addresses that it had and these.
fn table(address: Pubkey, mut data: Vec<u8>, entries: &[(usize, Pubkey)]) -> StoredAccount {
    let last = entries.iter().map(|(index, _)| *index).max().unwrap_or(0);
    let needed = last
        .saturating_add(1)
        .saturating_mul(ADDRESS)
        .saturating_add(META);
    data.resize(data.len().max(needed), 0);
    for (place, byte) in data.iter_mut().take(META).enumerate() {
        *byte = match place {
            0 => 1,
            // Never deactivated.
            4..12 => u8::MAX,
            _ => 0,
        };
    }
    for (index, entry) in entries {
        let start = index.saturating_mul(ADDRESS).saturating_add(META);
        if let Some(place) = data.get_mut(start..start.saturating_add(ADDRESS)) {
            place.copy_from_slice(entry.as_ref());
        }
    }
    StoredAccount {
        address,
        lamports: 1,
        owner: address_lookup_table::ID,
        executable: false,
        rent_epoch: u64::MAX,
        data,
    }
}

/// Puts what is missing.
///
/// # Errors
/// As [`Vm::put`].
pub fn provide(
    vm: &mut Vm,
    message: &VersionedMessage,
    loaded: Option<&Loaded>,
    slot: u64,
) -> Result<(), ShadowError> {
    match loaded {
        Some(loaded) => {
            let tables = missing(vm, message, loaded, slot);
            vm.put(&tables)
        }
        None => Ok(()),
    }
}
