//! Members as they stand on the command line: `KEY:ROLES[:WEIGHT]`.

use std::{collections::BTreeSet, fmt, str::FromStr};

use portcullis::state::{Member, ROLE_ATTEST, ROLE_EXECUTE, ROLE_GUARD, ROLE_PROPOSE, ROLE_VOTE};
use solana_sdk::pubkey::Pubkey;

const ROLES: [(&str, char, u8); 5] = [
    ("propose", 'p', ROLE_PROPOSE),
    ("vote", 'v', ROLE_VOTE),
    ("execute", 'e', ROLE_EXECUTE),
    ("guard", 'g', ROLE_GUARD),
    ("attest", 'a', ROLE_ATTEST),
];
/// In the order of their bits.
pub const ATTESTATION_KINDS: [&str; portcullis::constants::ATTESTATION_KINDS] = [
    "build", "audit", "shadow", "formal", "scan", "custom0", "custom1", "custom2",
];

/// A member as given by the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberArg(pub Member);

impl FromStr for MemberArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let (Some(key), Some(roles), weight, None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err("must be KEY:ROLES or KEY:ROLES:WEIGHT".to_string());
        };
        let key = Pubkey::from_str(key)
            .map_err(|_| format!("`{key}` is not an address (32 bytes in base58)"))?;
        let (roles, attests) = parse_roles(roles)?;
        let votes = roles & ROLE_VOTE != 0;
        let weight = match weight {
            None => u16::from(votes),
            Some(_) if !votes => {
                return Err("only a member with the vote role has a weight".to_string());
            }
            Some(weight) => weight
                .parse()
                .ok()
                .filter(|weight| *weight > 0)
                .ok_or_else(|| format!("the weight must be 1 to 65535, found `{weight}`"))?,
        };
        Ok(Self(Member {
            key,
            weight,
            roles,
            attests,
        }))
    }
}

/// Roles by name (`propose,vote,attest=build+audit`) or by their first letters (`pve`).
fn parse_roles(text: &str) -> Result<(u8, u8), String> {
    let mut roles = 0;
    let mut attests = 0;
    for word in text.split(',') {
        let (name, kinds) = match word.split_once('=') {
            Some((name, kinds)) => (name, Some(kinds)),
            None => (word, None),
        };
        let bits = role_bits(name).ok_or_else(|| {
            format!(
                "`{name}` is not a role; the roles are propose, vote, execute, guard, attest=KINDS, or letters such \
                 as pve"
            )
        })?;
        if bits & roles != 0 {
            return Err(format!("the role `{name}` is given twice"));
        }
        roles |= bits;
        match kinds {
            Some(kinds) if bits == ROLE_ATTEST => attests = parse_kinds(kinds)?,
            Some(_) => return Err(format!("the role `{name}` takes no kinds")),
            None if bits & ROLE_ATTEST != 0 => {
                return Err(format!(
                    "attest needs its kinds, such as attest=build+audit; the kinds are {}",
                    ATTESTATION_KINDS.join(", ")
                ));
            }
            None => {}
        }
    }
    Ok((roles, attests))
}

fn role_bits(name: &str) -> Option<u8> {
    if let Some((_, _, bit)) = ROLES.iter().find(|(role, _, _)| *role == name) {
        return Some(*bit);
    }
    // Letters, each once.
    let distinct: BTreeSet<char> = name.chars().collect();
    if name.is_empty() || distinct.len() != name.chars().count() {
        return None;
    }
    name.chars().try_fold(0, |bits, letter| {
        let (_, _, bit) = ROLES.iter().find(|(_, short, _)| *short == letter)?;
        Some(bits | bit)
    })
}

fn parse_kinds(text: &str) -> Result<u8, String> {
    text.split('+')
        .try_fold(0, |bits, kind| Ok(bits | 1 << attestation_kind(kind)?))
}

/// The place of a kind of attestation.
///
/// # Errors
/// What the kinds are, for clap.
pub fn attestation_kind(kind: &str) -> Result<usize, String> {
    ATTESTATION_KINDS
        .iter()
        .position(|known| *known == kind)
        .ok_or_else(|| {
            format!(
                "`{kind}` is not a kind of attestation; the kinds are {}",
                ATTESTATION_KINDS.join(", ")
            )
        })
}

/// The names of the roles of a member, in their fixed order.
pub fn role_names(member: &Member) -> Vec<String> {
    ROLES
        .iter()
        .filter(|(_, _, bit)| member.roles & bit != 0)
        .map(|(name, _, bit)| {
            if *bit == ROLE_ATTEST {
                format!("{name}={}", kind_names(member.attests).join("+"))
            } else {
                (*name).to_string()
            }
        })
        .collect()
}

fn kind_names(attests: u8) -> Vec<&'static str> {
    ATTESTATION_KINDS
        .iter()
        .enumerate()
        .filter(|(kind, _)| attests >> kind & 1 == 1)
        .map(|(_, name)| *name)
        .collect()
}

impl fmt::Display for MemberArg {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}:{}", self.0.key, role_names(&self.0).join(","))?;
        if self.0.weight > 1 {
            write!(f, ":{}", self.0.weight)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "9YJvXBYcd5uzK7Qn6BKt2UfR4iZS6vRk5a9poB7RnyNq";

    fn parse(rest: &str) -> Result<MemberArg, String> {
        format!("{KEY}:{rest}").parse()
    }

    #[test]
    fn names_and_letters_mean_the_same() {
        assert_eq!(parse("propose,vote,execute"), parse("pve"));
        let member = parse("pv").unwrap().0;
        assert_eq!((member.roles, member.weight, member.attests), (3, 1, 0));
        assert_eq!(parse("guard").unwrap().0.weight, 0);
        assert_eq!(parse("v:7").unwrap().0.weight, 7);
    }

    #[test]
    fn attesters_name_their_kinds() {
        let member = parse("vote,attest=build+audit").unwrap().0;
        assert_eq!((member.roles, member.attests), (ROLE_VOTE | ROLE_ATTEST, 3));
        assert!(parse("attest").unwrap_err().contains("attest=build+audit"));
        assert!(parse("pa").unwrap_err().contains("needs its kinds"));
        assert!(parse("attest=luck").unwrap_err().contains("not a kind"));
        assert!(parse("vote=build").unwrap_err().contains("no kinds"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!("nokey:v"
            .parse::<MemberArg>()
            .unwrap_err()
            .contains("not an address"));
        assert!(KEY.parse::<MemberArg>().unwrap_err().contains("KEY:ROLES"));
        assert!(parse("").unwrap_err().contains("not a role"));
        assert!(parse("boss").unwrap_err().contains("not a role"));
        assert!(parse("vv").unwrap_err().contains("not a role"));
        assert!(parse("vote,vote").unwrap_err().contains("twice"));
        assert!(parse("v:0").unwrap_err().contains("1 to 65535"));
        assert!(parse("v:70000").unwrap_err().contains("1 to 65535"));
        assert!(parse("g:2")
            .unwrap_err()
            .contains("only a member with the vote role"));
        assert!(parse("v:1:2").unwrap_err().contains("KEY:ROLES"));
    }

    #[test]
    fn members_are_shown_as_they_are_written() {
        for text in [
            "propose,vote,execute",
            "vote:3",
            "guard",
            "vote,attest=build+audit:2",
        ] {
            assert_eq!(parse(text).unwrap().to_string(), format!("{KEY}:{text}"));
        }
    }
}
