//! The rules, by which every change is named.

/// Whether a change can hurt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// What exists keeps its meaning, and callers of the old interface work on.
    Safe,
    /// Accounts, callers or readers of before no longer work, or a check of before is gone.
    Breaking,
}

impl Verdict {
    /// As JSON and tables show it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Breaking => "breaking",
        }
    }
}

macro_rules! rules {
    ($($rule:ident $id:literal $usual:ident $meaning:literal,)*) => {
        /// What kind of change it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Rule {
            $(#[doc = $meaning] $rule,)*
        }

        impl Rule {
            /// All rules.
            pub const ALL: &'static [Self] = &[$(Self::$rule,)*];

            /// Its stable name.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$rule => $id,)* }
            }

            /// The verdict where nothing about the place changes it.
            pub const fn usual(self) -> Verdict {
                match self { $(Self::$rule => Verdict::$usual,)* }
            }

            /// What it says, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$rule => $meaning,)* }
            }
        }
    };
}

impl Rule {
    /// Whether something that the program checked may no longer be.
    pub const fn drops_check(self) -> bool {
        matches!(
            self,
            Self::MetaSignerDropped
                | Self::MetaAddressDropped
                | Self::MetaSeedsDropped
                | Self::MetaRelationDropped
                | Self::MetaOptionalAdded
        )
    }
}

rules! {
    NotCompared "not-compared" Breaking "Not all was compared: there are too many changes, types are nested too deeply, or two things have one name.",
    FormatOlder "format-older" Breaking "The new IDL has the format before Anchor 0.30, which says less: what it leaves out is not compared.",
    ProgramAddressChanged "program-address-changed" Breaking "The IDL is of another program id, which Anchor's entry point would refuse.",
    AccountAdded "account-added" Safe "A new account type.",
    AccountRemoved "account-removed" Breaking "An account type is gone: what exists of it can no longer be used.",
    AccountRenamed "account-renamed" Safe "An account type has another name and the same discriminator.",
    AccountDiscriminatorChanged "account-discriminator-changed" Breaking "Existing accounts begin with other bytes than the program now looks for.",
    AccountGrown "account-grown" Breaking "Existing accounts are too small, unless all have been made larger or were made with room.",
    AccountsLost "accounts-lost" Breaking "Accounts that exist no longer decode.",
    AccountsChanged "accounts-changed" Breaking "Accounts that exist decode to other values.",
    DiscriminatorAmbiguous "discriminator-ambiguous" Breaking "Two things begin with the same bytes: one is taken for the other.",
    EncodingChanged "encoding-changed" Breaking "Between borsh, zero-copy, packed and another alignment: safe only where the bytes are the same.",
    FieldRemoved "field-removed" Breaking "A field is gone.",
    FieldInserted "field-inserted" Breaking "A field stands before others, which move.",
    FieldAppended "field-appended" Safe "A field at the very end: nothing moves. Breaking where something follows, or where callers send it.",
    FieldMoved "field-moved" Breaking "A field stands at another place.",
    FieldRetyped "field-retyped" Breaking "A field's bytes are read as another type; safe only where both are the same bytes.",
    FieldRenamed "field-renamed" Breaking "The same bytes have another name, and may mean something else: allow it where only the name is new.",
    ArrayResized "array-resized" Breaking "An array has another length; safe only where it grows at the very end.",
    ReserveUsed "reserve-used" Safe "A field within bytes that were reserved, or padding: nothing moves.",
    VariantRemoved "variant-removed" Breaking "An enum's variant is gone.",
    VariantInserted "variant-inserted" Breaking "An enum's variant stands before others, whose numbers change.",
    VariantAppended "variant-appended" Safe "An enum's variant behind all others.",
    VariantMoved "variant-moved" Breaking "An enum's variants have other numbers.",
    VariantRenamed "variant-renamed" Breaking "An enum's number has another name: allow it where only the name is new.",
    InstructionAdded "instruction-added" Safe "A new instruction.",
    InstructionRemoved "instruction-removed" Breaking "An instruction is gone.",
    InstructionRenamed "instruction-renamed" Safe "An instruction has another name and the same discriminator.",
    InstructionDiscriminatorChanged "instruction-discriminator-changed" Breaking "Callers begin with other bytes than the program now looks for.",
    ArgumentAdded "argument-added" Breaking "Callers do not send it.",
    ArgumentRemoved "argument-removed" Breaking "Callers still send it.",
    ArgumentMoved "argument-moved" Breaking "Callers send it at another place.",
    ArgumentRetyped "argument-retyped" Breaking "Callers send another type; safe only where both are the same bytes.",
    ArgumentRenamed "argument-renamed" Breaking "What callers send has another name, and may mean something else: allow it where only the name is new.",
    ReturnChanged "return-changed" Breaking "An instruction returns another type.",
    MetaAdded "account-meta-added" Breaking "Callers do not pass this account.",
    MetaRemoved "account-meta-removed" Breaking "Callers still pass this account.",
    MetaMoved "account-meta-moved" Breaking "Callers pass this account at another place.",
    MetaRenamed "account-meta-renamed" Breaking "The account at this place has another name, and may be another one: allow it where only the name is new.",
    MetaSignerAdded "account-meta-signer-added" Breaking "The account must sign now.",
    MetaSignerDropped "account-meta-signer-dropped" Breaking "The account need not sign any more: is the check still there?",
    MetaWritableAdded "account-meta-writable-added" Breaking "The account must be writable now.",
    MetaWritableDropped "account-meta-writable-dropped" Safe "The account may be read-only.",
    MetaOptionalAdded "account-meta-optional-added" Safe "The account may be left out. Breaking where it had to sign or to be a certain one.",
    MetaOptionalDropped "account-meta-optional-dropped" Breaking "The account must be given now.",
    MetaAddressChanged "account-meta-address-changed" Breaking "Another fixed address is required.",
    MetaAddressAdded "account-meta-address-added" Breaking "Only one address is taken now.",
    MetaAddressDropped "account-meta-address-dropped" Breaking "Any address is taken now: is the check still there?",
    MetaSeedsChanged "account-meta-seeds-changed" Breaking "The account's address is derived in another way.",
    MetaSeedsAdded "account-meta-seeds-added" Breaking "Only the derived address is taken now.",
    MetaSeedsDropped "account-meta-seeds-dropped" Breaking "The address is not derived any more: is the check still there?",
    MetaRelationAdded "account-meta-relation-added" Safe "The account must be the one that another account names.",
    MetaRelationDropped "account-meta-relation-dropped" Breaking "The account need not be the one that another account names (has_one): is the check still there?",
    EventAdded "event-added" Safe "A new event.",
    EventRemoved "event-removed" Breaking "An event is gone.",
    EventRenamed "event-renamed" Safe "An event has another name and the same discriminator.",
    EventDiscriminatorChanged "event-discriminator-changed" Breaking "Readers look for other bytes.",
    ErrorAdded "error-added" Safe "A new error code.",
    ErrorRemoved "error-removed" Breaking "An error code is gone.",
    ErrorRenumbered "error-renumbered" Breaking "An error has another code.",
    ErrorReplaced "error-replaced" Breaking "A code means another error.",
    ErrorMessageChanged "error-message-changed" Safe "An error has another text.",
    ConstantChanged "constant-changed" Safe "A constant has another value: see what it means for users. Breaking where it is an address, bytes or a text.",
    ConstantRemoved "constant-removed" Safe "A constant is gone.",
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_distinct_and_meanings_are_sentences() {
        let ids: HashSet<&str> = Rule::ALL.iter().map(|rule| rule.id()).collect();
        assert_eq!(ids.len(), Rule::ALL.len());
        for rule in Rule::ALL {
            assert!(rule.meaning().ends_with(['.', '?']), "{}", rule.id());
        }
    }
}
