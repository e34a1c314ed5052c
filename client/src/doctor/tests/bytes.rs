//! The build and the buffer.

use super::*;

#[test]
fn a_build_must_be_of_a_version_that_the_cluster_takes() {
    let mut facts = before_proposing();
    facts.features = Ok(Some(Features::with_active([])));
    assert_eq!(errors(&facts), ["elf_version_refused"]);
    facts.features = Ok(None);
    assert_eq!(warnings(&facts), ["features_unknown"]);
    facts.features = Err("no".to_string());
    assert_eq!(errors(&facts), ["could_not_check"]);
    assert!(find(&facts, "could_not_check").what.contains("no"));
    // Of a buffer alone it is required as well.
    facts.artifact = None;
    facts.features = Ok(Some(Features::with_active([])));
    assert_eq!(errors(&facts), ["elf_version_refused"]);
    facts.buffer = None;
    assert_eq!(of(&facts, Severity::Note), ["no_build"]);
}

#[test]
fn a_build_must_use_only_system_calls_that_the_cluster_offers() {
    // From sBPF v3 on a system call is named by its hash: this build hashes with BLAKE3 instead.
    let hash = |name: &str| solana_sbpf::ebpf::hash_symbol_name(name.as_bytes()).to_le_bytes();
    let (sha256, blake3) = (hash("sol_sha256"), hash("sol_blake3"));
    let mut bytes = BUILD.to_vec();
    for at in 0..bytes.len() - 4 {
        if bytes[at..at + 4] == sha256 {
            bytes[at..at + 4].copy_from_slice(&blake3);
        }
    }
    assert_ne!(bytes, BUILD);
    let feature = Pubkey::from_str_const("HTW2pSyErTj4BV6KBM9NZ9VBUJVxt7sacNWcf76wtzb3");
    let without = || {
        let others = features().into_iter().filter(|other| *other != feature);
        Ok(Some(Features::with_active(others)))
    };
    let mut facts = before_proposing();
    facts.buffer = Some(buffer(Some(key(ALICE)), &bytes));
    facts.artifact.as_mut().unwrap().bytes = bytes;
    assert_eq!(told(&facts), []);
    facts.features = without();
    assert_eq!(errors(&facts), ["elf_syscall_missing"]);

    // Below v3 it is named, and the loader looks for it.
    let mut bytes = portcullis_localnet::samples::spl_token().unwrap();
    let name = b"\0sol_memcpy_\0";
    let at = bytes.windows(name.len()).position(|found| found == name);
    let at = at.unwrap() + 1;
    bytes[at..at + 11].copy_from_slice(b"sol_blake3\0");
    let mut facts = before_proposing();
    facts.buffer = None;
    facts.artifact.as_mut().unwrap().bytes = bytes;
    assert_eq!(errors(&facts), [""; 0]);
    facts.features = without();
    assert_eq!(errors(&facts), ["elf_refused_here"]);
}

#[test]
fn a_build_of_the_limit_passes_and_a_byte_more_does_not() {
    let mut facts = before_proposing();
    facts.buffer = None;
    let mut bytes = BUILD.to_vec();
    bytes.resize(MAX_LOADER_ELF_LEN, 0);
    facts.artifact.as_mut().unwrap().bytes = bytes.clone();
    assert_eq!(errors(&facts), [""; 0]);
    bytes.push(0);
    facts.artifact.as_mut().unwrap().bytes = bytes;
    assert_eq!(errors(&facts), ["elf_too_large", "program_cannot_grow"]);
    facts.artifact.as_mut().unwrap().bytes = b"\x7fELF".to_vec();
    assert_eq!(errors(&facts), ["elf_invalid"]);
}

#[test]
fn room_for_one_byte_less_needs_an_extension() {
    let mut facts = before_proposing();
    programdata(&mut facts).elf.truncate(BUILD.len());
    assert_eq!(of(&facts, Severity::Note), [""; 0]);
    programdata(&mut facts).elf.truncate(BUILD.len() - 1);
    let finding = find(&facts, "extension_needed");
    assert_eq!(finding.severity, Severity::Note);
    assert_eq!(finding.required, Some(Measure::bytes(BUILD.len())));
    assert_eq!(finding.found, Some(Measure::bytes(BUILD.len() - 1)));
    // The loader extends by 10,240 bytes at least.
    assert!(finding.mend.unwrap().ends_with(" 10240"));
}

#[test]
fn program_and_buffer_together_pay_the_rent_to_the_lamport() {
    let mut facts = before_executing();
    let program = facts.program.as_mut().unwrap();
    program.programdata.as_mut().unwrap().1 = RENT.now - 1_000_000;
    assert_eq!(errors(&facts), [""; 0]);
    let program = facts.program.as_mut().unwrap();
    program.programdata.as_mut().unwrap().1 -= 1;
    assert_eq!(errors(&facts), ["rent_too_low"]);
    let program = facts.program.as_mut().unwrap();
    program.rent = Err("no".to_string());
    assert_eq!(errors(&facts), ["could_not_check"]);
}

#[test]
fn hashes_are_compared_in_every_direction() {
    let mut facts = before_proposing();
    facts.buffer = Some(buffer(Some(key(ALICE)), &[BUILD, &[0; 8]].concat()));
    assert_eq!(errors(&facts), [""; 0], "zeros behind a build do not count");
    let mut other = BUILD.to_vec();
    other[500] ^= 1;
    facts.buffer = Some(buffer(Some(key(ALICE)), &other));
    assert!(errors(&facts).contains(&"buffer_differs"));

    let mut facts = before_executing();
    facts.artifact.as_mut().unwrap().bytes = other.clone();
    assert!(errors(&facts).contains(&"artifact_differs"));
    let authority = gate().account.authority;
    let mut facts = before_executing();
    facts.buffer = Some(buffer(Some(authority), &other));
    assert!(errors(&facts).contains(&"buffer_content_differs"));

    let mut facts = before_proposing();
    programdata(&mut facts).elf[3] ^= 1;
    assert_eq!(errors(&facts), ["release_differs"]);
    facts.program.as_mut().unwrap().programdata = Err("no".to_string());
    assert_eq!(errors(&facts), ["could_not_check"]);

    let again = with_gate(before_proposing(), |gate| gate.release = release(BUILD, 3));
    assert!(warnings(&again).contains(&"deployed_already"));
    let revoked = with_gate(before_proposing(), |gate| {
        gate.earlier[2] = Release {
            revoked: 1,
            ..release(BUILD, 2)
        };
    });
    assert_eq!(warnings(&revoked), ["release_revoked"]);
    let known = with_gate(before_proposing(), |gate| {
        gate.earlier[2] = release(BUILD, 2)
    });
    assert_eq!(warnings(&known), [""; 0]);
}

#[test]
fn a_buffer_is_complete_with_its_last_byte() {
    let mut facts = before_proposing();
    let last = BUILD.iter().rposition(|byte| *byte != 0).unwrap();
    let mut partial = BUILD.to_vec();
    partial[last] = 0;
    facts.buffer = Some(buffer(Some(key(ALICE)), &partial));
    assert_eq!(errors(&facts), ["buffer_incomplete"]);
    let finding = find(&facts, "buffer_incomplete");
    assert_eq!(finding.found, Some(Measure::bytes(BUILD.len() - 1)));
    facts.buffer = Some(buffer(Some(key(ALICE)), &BUILD[..BUILD.len() - 1]));
    assert!(errors(&facts).contains(&"buffer_too_short"));
    facts.buffer = Some(buffer(Some(key(ALICE)), &vec![0; BUILD.len()]));
    assert_eq!(errors(&facts), ["buffer_incomplete", "buffer_empty"]);
}

#[test]
fn a_buffer_must_be_the_loader_s_and_the_right_one_s() {
    let with = |authority: Option<Pubkey>| {
        let mut facts = before_proposing();
        facts.buffer = Some(buffer(authority, BUILD));
        errors(&facts)
    };
    assert_eq!(with(None), ["buffer_immutable"]);
    assert_eq!(with(Some(key(BOB))), ["buffer_authority_differs"]);
    assert_eq!(
        with(Some(gate().account.authority)),
        ["buffer_held_already"]
    );
    let mut facts = before_executing();
    facts.buffer = Some(buffer(Some(key(ALICE)), BUILD));
    assert_eq!(errors(&facts), ["buffer_not_held"]);

    let account = |facts: &mut Facts, account: Fact<Option<Account>>| {
        facts.buffer = Some(AccountFacts {
            address: key(BUFFER),
            account,
        });
        errors(facts)
    };
    let mut facts = before_proposing();
    assert_eq!(account(&mut facts, Ok(None)), ["buffer_missing"]);
    assert_eq!(account(&mut facts, Err("no".into())), ["could_not_check"]);
    let foreign = Account::default();
    assert_eq!(
        account(&mut facts, Ok(Some(foreign))),
        ["buffer_not_the_loader_s"]
    );
    let uninitialized = Account::new(1, 100, &bpf_loader_upgradeable::ID);
    assert_eq!(
        account(&mut facts, Ok(Some(uninitialized))),
        ["buffer_not_a_buffer"]
    );
    let released = executing(|proposal| proposal.custody = Custody::Returned as u8);
    assert!(errors(&released).contains(&"buffer_released"));
}

#[test]
fn what_is_hashed_in_steps_has_no_zeros_behind_it() {
    let mut facts = before_proposing();
    facts.artifact = None;
    let most = portcullis::constants::MAX_HASHED_AT_ONCE as usize;
    let mut build = BUILD.to_vec();
    build.resize(most - 1, 1);
    build.push(0);
    facts.buffer = Some(buffer(Some(key(ALICE)), &build));
    assert_eq!(errors(&facts), [""; 0]);
    build.push(0);
    facts.buffer = Some(buffer(Some(key(ALICE)), &build));
    assert_eq!(errors(&facts), ["buffer_not_exact"]);
    build.truncate(most - 1);
    build.extend([1, 1]);
    facts.buffer = Some(buffer(Some(key(ALICE)), &build));
    assert_eq!(errors(&facts), [""; 0]);
}
