#!/usr/bin/env python3
"""Takes every check out of the program, one at a time, and sees whether a test fails without it.

Needs SBF_CARGO (see build-program.sh) and the tests built (`cargo test --workspace --no-run`). Prints each mutant with the
test that killed it, and at the end those that survived. Two at a time; about ten seconds each.

usage: mutate-checks.py [FILTER]     FILTER: only mutants whose name contains it
"""
import json, os, re, shutil, subprocess, sys, tempfile
from concurrent.futures import ThreadPoolExecutor
from queue import Queue

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SRC = os.path.join(ROOT, "programs/portcullis/src")
WORKERS = 2


def first_argument(text, start):
    """The span of the first argument of the call whose parenthesis is at `start`."""
    depth = 0
    for i in range(start, len(text)):
        c = text[i]
        if c in "([{":
            depth += 1
        elif c in ")]}":
            depth -= 1
        if (c == "," and depth == 1) or depth == 0:
            return start + 1, i
    raise ValueError("unbalanced")


def code_end(text):
    """Where the code ends and in-file tests begin."""
    i = text.find("#[cfg(test)]")
    return len(text) if i < 0 else i


def mutants():
    for folder, _, files in sorted(os.walk(SRC)):
        for name in sorted(files):
            path = os.path.join(folder, name)
            rel = os.path.relpath(path, SRC)
            text = open(path).read()
            end = code_end(text)

            def emit(kind, start, stop, new):
                line = text.count("\n", 0, start) + 1
                old = " ".join(text[start:stop].split())
                return f"{rel}:{line} {kind}: {old[:90]}", rel, text[:start] + new + text[stop:]

            # require!(rule, error) and require(rule, error)
            for m in re.finditer(r"\brequire(!?)\(", text[:end]):
                if text[m.start() - 3 : m.start()] == "fn ":
                    continue
                a, b = first_argument(text, m.end() - 1)
                yield emit("rule always holds", a, b, f"true || ({text[a:b].strip()})")
            # if rule { return Err(…) }
            for m in re.finditer(r"\bif ([^{}]+) \{\s*return (Err\(|err!\()", text[:end]):
                if m.group(1).startswith("let "):
                    continue
                yield emit("never refuses", m.start(1), m.end(1), f"false && ({m.group(1)})")
            # arms of the lifecycle's table, and other arms that refuse
            for m in re.finditer(r"=> (\{\s*)?(Err\(PortcullisError::\w+\))", text[:end]):
                yield emit("arm refuses not", m.start(2), m.end(2), "Ok(())")
            # roles
            for m in re.finditer(r", (ROLE_\w+)\)\?", text[:end]):
                yield emit("any role", m.start(1), m.end(1), "0")
            for m in re.finditer(r"\bcheck\(([^;]*?Step::\w+|status, step)\)\?;", text[:end]):
                yield emit("any status", m.start(), m.end(), "let _ = check;")
            # parts of a rule joined by && (inside a require), each one
            for m in re.finditer(r"\brequire(!?)\(", text[:end]):
                a, b = first_argument(text, m.end() - 1)
                rule = text[a:b]
                parts, depth, last = [], 0, 0
                for i, c in enumerate(rule):
                    depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(c, 0)
                    if depth == 0 and rule[i : i + 2] == "&&":
                        parts.append((last, i))
                        last = i + 2
                if parts:
                    parts.append((last, len(rule)))
                    for s, t in parts:
                        yield emit("part always holds", a + s, a + t, f" (true || {rule[s:t].strip()}) ")
            if not rel.startswith("instructions"):
                continue
            # constraints
            for m in re.finditer(r"#\[account\((.*?)\)\]\n", text[:end], re.S):
                body = m.group(1)
                for c in re.finditer(r"(has_one = \w+( @ [\w:]+)?|address = [^,\n]+)", body):
                    new = (body[: c.start()] + body[c.end() :]).replace(", ,", ",").strip().strip(",")
                    yield emit("constraint out: " + c.group(1)[:60], m.start(1), m.end(1), new)
                if "init" in body:
                    continue
                if re.search(r"\bmut\b", body):
                    new = re.sub(r"\bmut\b,?\s*", "", body)
                    yield emit("mut out", m.start(1), m.end(1), new)
            for m in re.finditer(r"pub (\w+): Signer<'info>", text[:end]):
                yield emit(
                    "signer out", m.start(), m.end(), f"/// CHECK: mutant\n    pub {m.group(1)}: UncheckedAccount<'info>"
                )
            for m in re.finditer(r"pub (\w+): Program<'info, \w+>", text[:end]):
                yield emit(
                    "program out", m.start(), m.end(), f"/// CHECK: mutant\n    pub {m.group(1)}: UncheckedAccount<'info>"
                )


def tests():
    """The program's test binaries."""
    out = subprocess.run(
        ["cargo", "test", "--locked", "--workspace", "--no-run", "--message-format=json"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout
    found = []
    for line in out.splitlines():
        message = json.loads(line)
        if message.get("executable") and "/tests/tests/" in message.get("target", {}).get("src_path", ""):
            if message["target"]["name"] not in ("bank", "golden"):
                found.append(message["executable"])
    return sorted(found)


def build(work, target):
    done = subprocess.run(
        [os.environ["SBF_CARGO"], "--locked"],
        cwd=os.path.join(work, "programs/portcullis"), capture_output=True, text=True,
        env={**os.environ, "CARGO_TARGET_DIR": target, "CARGO_PROFILE_RELEASE_OPT_LEVEL": "2", "CARGO_PROFILE_RELEASE_LTO": "off"},
    )
    return done.returncode == 0, done.stderr


def killer(elf, binaries):
    """The first test that fails on this ELF."""
    for binary in binaries:
        try:
            done = subprocess.run(
                [binary], cwd=os.path.join(ROOT, "tests"), capture_output=True, text=True, timeout=120,
                env={**os.environ, "PORTCULLIS_ELF": elf, "INSTA_UPDATE": "no", "RUST_BACKTRACE": "0", "PROPTEST_CASES": "32"},
            )
        except subprocess.TimeoutExpired:
            return os.path.basename(binary) + " (timeout)"
        if done.returncode:
            failed = re.search(r"^test (\S+) \.\.\. FAILED", done.stdout, re.M)
            return failed.group(1) if failed else os.path.basename(binary)
    return None


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    binaries = tests()
    base = tempfile.mkdtemp(prefix="mutants-")
    workers = Queue()
    for number in range(WORKERS):
        work = os.path.join(base, f"work{number}")
        shutil.copytree(os.path.join(ROOT, "programs"), os.path.join(work, "programs"))
        shutil.copy(os.path.join(ROOT, "Cargo.lock"), work)
        manifest = open(os.path.join(ROOT, "Cargo.toml")).read()
        manifest = re.sub(r"^members = .*", 'members = ["programs/portcullis"]', manifest, flags=re.M)
        open(os.path.join(work, "Cargo.toml"), "w").write(manifest)
        # Only the program is a member here, so the lock file shrinks once.
        subprocess.run(["cargo", "metadata", "--offline", "--format-version", "1"], cwd=work, capture_output=True, check=True)
        workers.put((work, os.path.join(base, f"target{number}")))

    work, target = workers.get()
    ok, log = build(work, target)
    elf = os.path.join(target, "sbpf-solana/release/libportcullis.so")
    if not ok or killer(elf, binaries):
        sys.exit("the program as it is must build and pass first:\n" + log + str(ok and killer(elf, binaries)))
    shutil.copytree(target, os.path.join(base, f"target{WORKERS - 1}"), dirs_exist_ok=True)
    workers.put((work, target))

    def run(mutant):
        name, rel, text = mutant
        work, target = workers.get()
        try:
            path = os.path.join(work, "programs/portcullis/src", rel)
            original = open(path).read()
            open(path, "w").write(text)
            ok, log = build(work, target)
            elf = os.path.join(target, "sbpf-solana/release/libportcullis.so")
            verdict = killer(elf, binaries) if ok else "does not build"
            open(path, "w").write(original)
        finally:
            workers.put((work, target))
        print(("killed    " if verdict else "SURVIVED  ") + name + (f"  <- {verdict}" if verdict else ""), flush=True)
        return name, verdict

    todo = [m for m in mutants() if wanted in m[0]]
    print(f"{len(todo)} mutants", flush=True)
    with ThreadPoolExecutor(WORKERS) as pool:
        results = list(pool.map(run, todo))
    survived = [name for name, verdict in results if not verdict]
    unbuilt = [name for name, verdict in results if verdict == "does not build"]
    print(f"\n{len(results)} mutants: {len(results) - len(survived) - len(unbuilt)} killed, {len(unbuilt)} do not build, {len(survived)} survived")
    for name in survived:
        print("survived: " + name)
    shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    main()
