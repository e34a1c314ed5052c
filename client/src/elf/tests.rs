use super::*;

/// The committed program: built for sBPF v3.
const PORTCULLIS: &[u8] = include_bytes!("../../../artifacts/portcullis.so");

#[test]
fn the_committed_program_is_an_artifact_of_version_3() {
    let artifact = Artifact::new(PORTCULLIS.to_vec()).unwrap();
    assert_eq!(artifact.sbpf_version, 3);
    assert_eq!(Some(artifact.commitment), Commitment::of(PORTCULLIS));
    assert_eq!(artifact.bytes, PORTCULLIS);
}

#[test]
fn trailing_zeros_do_not_change_the_commitment() {
    let mut padded = PORTCULLIS.to_vec();
    padded.resize(padded.len() + 1000, 0);
    assert_eq!(check(&padded), check(PORTCULLIS));
}

#[test]
fn a_truncated_elf_is_refused_at_every_length_that_was_tried() {
    let step = PORTCULLIS.len() / 97;
    let lengths = (1..128).chain((128..PORTCULLIS.len()).step_by(step));
    for len in lengths.chain([PORTCULLIS.len() - 1]) {
        assert!(check(&PORTCULLIS[..len]).is_err(), "{len} bytes");
    }
}

#[test]
fn what_is_not_an_elf_is_refused_by_name() {
    assert_eq!(check(&[]), Err(ElfError::Empty));
    assert_eq!(check(&[0; 64]), Err(ElfError::NotAnElf));
    assert_eq!(check(b"#!/bin/sh\n"), Err(ElfError::NotAnElf));
    assert!(matches!(
        check(b"\x7fELF"),
        Err(ElfError::NotLoadable { .. })
    ));
    let mut future = PORTCULLIS.to_vec();
    future[48] = 9;
    assert_eq!(check(&future), Err(ElfError::UnknownVersion { found: 9 }));
}

#[test]
fn garbage_behind_the_magic_is_refused_and_does_not_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for len in [8, 52, 64, 65, 120, 500, 4096] {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(
            std::iter::repeat_with(|| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state as u8
            })
            .take(len),
        );
        assert!(check(&bytes).is_err());
    }
}

#[test]
fn the_host_s_own_elf_is_refused() {
    let host = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    // Debug builds are larger than any program may be; the head says enough.
    assert!(check(&host[..100_000]).is_err());
}

#[test]
fn a_cluster_takes_only_its_versions_and_system_calls() {
    let rules = |lowest, highest, missing: &[&'static str]| DeployRules {
        sbpf_versions: lowest..=highest,
        missing_syscalls: missing.to_vec(),
    };
    assert_eq!(
        check_on(PORTCULLIS, &rules(0, 3, &[])).unwrap(),
        check(PORTCULLIS).unwrap()
    );
    assert_eq!(
        check_on(PORTCULLIS, &rules(3, 3, &["sol_poseidon"])).unwrap(),
        check(PORTCULLIS).unwrap()
    );
    assert_eq!(
        check_on(PORTCULLIS, &rules(0, 2, &[])).unwrap_err(),
        ElfError::VersionRefused {
            found: 3,
            lowest: 0,
            highest: 2
        }
    );
    // Portcullis hashes, and SPL Token, of version 0, writes logs.
    assert_eq!(
        check_on(PORTCULLIS, &rules(0, 3, &["sol_blake3", "sol_sha256"])).unwrap_err(),
        ElfError::SyscallMissing { name: "sol_sha256" }
    );
    let token = portcullis_localnet::samples::spl_token().unwrap();
    assert!(check_on(&token, &rules(0, 3, &["sol_blake3"])).is_ok());
    let error = check_on(&token, &rules(0, 3, &["sol_log_"])).unwrap_err();
    assert!(matches!(error, ElfError::NotLoadable { .. }), "{error}");
}

#[test]
fn a_missing_file_is_named() {
    let error = read_artifact(Path::new("no/such/file.so")).unwrap_err();
    assert!(error
        .to_string()
        .starts_with("no/such/file.so cannot be read"));
}
