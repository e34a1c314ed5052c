//! What is known of the program beside its code: its IDLs, and what must always hold.

use anchor_lang_idl_spec::IdlInstructionAccountItem;
use base64::{engine::general_purpose::STANDARD, Engine};
use solana_sdk::{
    account::{AccountSharedData, ReadableAccount},
    pubkey::Pubkey,
};

use crate::{
    idl::{Idl, Value},
    invariants::{token, Invariants},
};

/// What is known of the program. Nothing is needed; with an IDL differences have the names of fields, with invariants the run
/// fails where the proposed program breaks one.
#[derive(Debug, Default)]
pub struct Knowledge {
    /// The deployed program's IDL. `None`: that in the bundle, where it has one.
    pub idl: Option<Idl>,
    /// The proposed program's. `None`: it has the same.
    pub new_idl: Option<Idl>,
    pub invariants: Option<Invariants>,
}

/// The names of accounts in their order, those of groups included.
fn names_of<'a>(items: &'a [IdlInstructionAccountItem], names: &mut Vec<&'a str>) {
    for item in items {
        match item {
            IdlInstructionAccountItem::Single(account) => names.push(&account.name),
            IdlInstructionAccountItem::Composite(group) => names_of(&group.accounts, names),
        }
    }
}

/// Under which program something was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Under {
    Deployed,
    Proposed,
}

/// An account, decoded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Described {
    /// Its type's name.
    pub kind: String,
    pub value: Value,
    /// The bytes that were decoded.
    pub len: usize,
}

impl Knowledge {
    fn idl_of(&self, under: Under) -> Option<&Idl> {
        match under {
            Under::Deployed => self.idl.as_ref(),
            Under::Proposed => self.new_idl.as_ref().or(self.idl.as_ref()),
        }
    }

    /// An instruction's name, from its data.
    pub(crate) fn instruction(&self, data: &[u8]) -> Option<&str> {
        let known = [Under::Deployed, Under::Proposed].map(|under| self.idl_of(under));
        let mut found = known.into_iter().flatten();
        let call = found.find_map(|idl| idl.instruction_of(data))?;
        Some(&call.name)
    }

    /// A call with its arguments.
    pub(crate) fn call(&self, data: &[u8]) -> Option<String> {
        let idl = self.idl_of(Under::Deployed)?;
        let call = idl.instruction_of(data)?;
        let arguments = match idl.decode_args(call, data) {
            Ok(Value::Record(record)) if record.fields.is_empty() => String::new(),
            Ok(arguments) => format!(" {arguments}"),
            Err(_) => " (its arguments do not decode)".to_string(),
        };
        Some(format!("{}{arguments}", call.name))
    }

    /// The name of an instruction's account by its place.
    pub(crate) fn account(&self, data: &[u8], place: usize) -> String {
        let named = || {
            let idl = self.idl_of(Under::Deployed)?;
            let call = idl.instruction_of(data)?;
            let instructions = &idl.spec.instructions;
            let found = instructions.iter().find(|one| one.name == call.name)?;
            let mut names = Vec::new();
            names_of(&found.accounts, &mut names);
            names
                .get(place)
                .map(|name| format!("account {place} ({name})"))
        };
        named().unwrap_or_else(|| format!("account {place}"))
    }

    /// What a custom error of the program means.
    pub(crate) fn error(&self, under: Under, code: u32) -> Option<&str> {
        let errors = &self.idl_of(under)?.spec.errors;
        let error = errors.iter().find(|error| error.code == code)?;
        Some(&error.name)
    }

    /// An account of the program by its IDL, or of a token program. `None`: nobody knows what it holds.
    pub(crate) fn describe(
        &self,
        under: Under,
        program: &Pubkey,
        account: &AccountSharedData,
    ) -> Option<Described> {
        let (owner, data) = (account.owner(), account.data());
        if owner == program {
            if let Some(idl) = self.idl_of(under) {
                let described = idl.account_of(data)?;
                let (value, len) = idl.decode(described, data).ok()?;
                return Some(Described {
                    kind: described.name.clone(),
                    value,
                    len,
                });
            }
        }
        if ![token::TOKEN, token::TOKEN_2022].contains(owner) {
            return None;
        }
        let kind = token::Kind::of(data)?;
        Some(Described {
            kind: kind.name().to_string(),
            value: Value::Record(kind.decode(data).ok()?.into()),
            len: kind.len(),
        })
    }

    /// A line of a log, with the event that it holds decoded.
    pub(crate) fn log_line(&self, under: Under, line: &str) -> Option<String> {
        let event = line.strip_prefix("Program data: ")?;
        let idl = self.idl_of(under)?;
        let data = STANDARD.decode(event).ok()?;
        let described = idl.event_of(&data)?;
        let (value, _) = idl.decode(described, &data).ok()?;
        Some(format!("event {} {value}", described.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shadow::lines::logs_diff;

    #[test]
    fn events_and_arguments_are_read_and_what_does_not_decode_is_not() {
        let idl = r#"{ "address": "Vau1t11111111111111111111111111111111111111",
          "metadata": { "name": "vault", "version": "0.1.0", "spec": "0.1.0" },
          "instructions": [{ "name": "pay", "discriminator": [3], "accounts": [], "args": [{ "name": "amount", "type": "u64" }] },
            { "name": "sweep", "discriminator": [4], "accounts": [], "args": [] }],
          "events": [{ "name": "Paid", "discriminator": [9] }],
          "types": [{ "name": "Paid", "type": { "kind": "struct", "fields": [{ "name": "amount", "type": "u16" }] } }] }"#;
        let known = Knowledge {
            idl: Some(Idl::parse(idl.as_bytes()).unwrap()),
            ..Knowledge::default()
        };
        let log = |data: &[u8]| format!("Program data: {}", STANDARD.encode(data));
        let (old, new) = (vec![log(&[9, 5, 0])], vec![log(&[9, 6, 0]), log(&[8, 7])]);
        assert_eq!(
            logs_diff(&known, &old, &new),
            [
                "- event Paid {amount: 5}".to_string(),
                "+ event Paid {amount: 6}".to_string(),
                format!("+ {}", log(&[8, 7])),
            ]
        );
        let call = |data: &[u8]| known.call(data);
        assert_eq!(
            call(&[3, 7, 0, 0, 0, 0, 0, 0, 0]).unwrap(),
            "pay {amount: 7}"
        );
        assert_eq!(call(&[3, 7]).unwrap(), "pay (its arguments do not decode)");
        assert_eq!(call(&[4]).unwrap(), "sweep");
        assert_eq!(call(&[5]), None);
    }
}
