//! Whether this cluster would load the bytes as a program.

use super::{Facts, Features, Finding, Measure, Severity, Topic};
use crate::{
    elf::{self, ElfError, MAX_LOADER_ELF_LEN},
    upload::is_part,
};

const TOPIC: Topic = Topic::Elf;

pub(super) fn check(facts: &Facts, out: &mut Vec<Finding>) {
    if facts.is_upgrade() && !facts.is_over() {
        check_builds(facts, out);
    }
}

fn check_builds(facts: &Facts, out: &mut Vec<Finding>) {
    let features = match &facts.features {
        Ok(Some(features)) => Some(features),
        Ok(None) => {
            out.push(
                Finding::warning(
                    TOPIC,
                    "features_unknown",
                    "the cluster shows none of the features that decide which sBPF versions may be deployed",
                    "the build is only checked against what some cluster could take",
                )
                .mend("ask another RPC server: -u URL"),
            );
            None
        }
        Err(reason) => {
            out.push(Finding::unknown(
                TOPIC,
                Severity::Error,
                "the cluster's features",
                reason,
            ));
            None
        }
    };
    let artifact = facts.artifact.as_ref();
    let buffer = facts.decoded_buffer();
    let mut builds: Vec<(String, &[u8])> = Vec::new();
    if let Some(artifact) = artifact {
        builds.push((artifact.name.clone(), &artifact.bytes));
    }
    // What a buffer holds that is no whole upload yet is a question of the buffer.
    if let (Some(facts), Some(buffer)) = (&facts.buffer, &buffer) {
        let partial = artifact.is_some_and(|a| is_part(&buffer.elf, &a.bytes));
        let same = artifact.is_some_and(|a| a.bytes == buffer.elf);
        if !same && !partial && buffer.elf.iter().any(|byte| *byte != 0) {
            builds.push((format!("buffer {}", facts.address), &buffer.elf));
        }
    }
    if builds.is_empty() && facts.buffer.is_none() {
        out.push(
            Finding::note(
                TOPIC,
                "no_build",
                "there is no build to check yet",
                "whether it loads, fits and is the right one is only known of a build",
            )
            .mend(format!(
                "portcullis doctor {} --artifact FILE.so",
                facts.name()
            )),
        );
    }
    for (name, bytes) in builds {
        out.push(check_build(facts, features, &name, bytes));
    }
}

fn check_build(facts: &Facts, features: Option<&Features>, name: &str, bytes: &[u8]) -> Finding {
    const WHY: &str = "the loader refuses what it cannot load, after all the votes";
    let upload = format!(
        "portcullis buffer upload {} --program {}",
        facts.file(),
        facts.program_id()
    );
    let found = elf::check(bytes);
    let info = match found {
        Ok(info) => info,
        Err(ElfError::TooLong { found }) => {
            return Finding::error(
                TOPIC,
                "elf_too_large",
                format!("{name} has {found} bytes, loader v3 takes {MAX_LOADER_ELF_LEN} at most"),
                WHY,
            )
            .measured(Measure::bytes(MAX_LOADER_ELF_LEN), Measure::bytes(found))
            .mend("make the build smaller (opt-level = \"s\"), then upload it again");
        }
        Err(error) => {
            return Finding::error(TOPIC, "elf_invalid", format!("{name}: {error}"), WHY)
                .mend(format!("build it again, then {upload}"));
        }
    };
    let Some(features) = features else {
        return Finding::ok(
            TOPIC,
            "elf_loads",
            format!("{name} is a program of sBPF v{}", info.sbpf_version),
        );
    };
    let rules = features.rules();
    let (lowest, highest) = (*rules.sbpf_versions.start(), *rules.sbpf_versions.end());
    let taken = match lowest == highest {
        true => format!("only v{lowest}"),
        false => format!("v{lowest} to v{highest}"),
    };
    let rebuild = match lowest {
        3 => format!("cargo build-sbf --arch v3, then {upload}"),
        _ => format!("cargo build-sbf --arch v{highest}, then {upload}"),
    };
    match elf::check_on(bytes, &rules) {
        Err(ElfError::VersionRefused { found, .. }) => Finding::error(
            TOPIC,
            "elf_version_refused",
            format!("{name} is of sBPF v{found}, this cluster takes {taken} for new deployments"),
            WHY,
        )
        .measured(
            Measure::name(taken.clone()),
            Measure::name(format!("v{found}")),
        )
        .mend(rebuild),
        Err(ElfError::SyscallMissing { name: call }) => Finding::error(
            TOPIC,
            "elf_syscall_missing",
            format!("{name} calls {call}, which this cluster does not offer"),
            "the loader takes it all the same, and the program fails wherever it gets there",
        )
        .measured(Measure::name(call), Measure::name("not offered"))
        .mend(format!(
            "build it without {call}, or wait for its feature: solana feature status"
        )),
        Err(error) => Finding::error(
            TOPIC,
            "elf_refused_here",
            format!("{name} uses what this cluster does not offer: {error}"),
            "a system call whose feature is not active makes the whole program unloadable",
        )
        .mend("build it without that system call, or wait for the feature: solana feature status"),
        Ok(info) if info.sbpf_version < 3 && features.will_require_v3() => Finding::warning(
            TOPIC,
            "elf_version_ending",
            format!(
                "{name} is of sBPF v{}, and the next epoch takes only v3 (SIMD-0500)",
                info.sbpf_version
            ),
            "what is voted today may be refused when its timelock is over",
        )
        .measured(
            Measure::name("v3"),
            Measure::name(format!("v{}", info.sbpf_version)),
        )
        .mend(format!("cargo build-sbf --arch v3, then {upload}")),
        Ok(info) if info.sbpf_version < 3 => Finding::note(
            TOPIC,
            "elf_version_old",
            format!(
                "{name} loads here; it is of sBPF v{}, and SIMD-0500 will end deployments below v3",
                info.sbpf_version
            ),
            "a later upgrade, or a rollback to this build, may be refused",
        )
        .mend("cargo build-sbf --arch v3"),
        Ok(info) => Finding::ok(
            TOPIC,
            "elf_loads",
            format!("{name} loads here, sBPF v{}", info.sbpf_version),
        ),
    }
}
