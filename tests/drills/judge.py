"""Strangers judge sealed files: pyHanko the signature, pdfsig too, qpdf the structure; all files in one process.

    judge.py FOLDER [--originals FOLDER] [--at-least N] [--every N] [--tools-max N] [--controls N] [--seed N]

A file is trusted by NAME.root.pem beside it, else by root.pem; it was sealed from the file of its name in the folder of originals
(FOLDER/originals where none is named), if that is there.

Demanded of each by pyHanko: one signature, intact, valid, trusted when it was made, covers the whole file, nothing changed after,
no change permitted. Demanded of each, or of a sample of --tools-max drawn by --seed: `pdfsig` finds a valid signature over the
total document, `qpdf --check` is no worse than for the original (without one: has no complaint).

Demanded of files named flipped-*, and of --controls changed copies of the others, made here: that they fail. One of a byte flipped
within what is signed, one of a byte added at the end, one judged by a root that is not its own.

Exit 0 all as demanded and no fewer than --at-least files, 1 not, 77 a tool is missing.
"""

import argparse
import collections
import concurrent.futures
import logging
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

try:
    from pyhanko.keys import load_cert_from_pemder
    from pyhanko.pdf_utils.misc import PdfError
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.diff_analysis import ModificationLevel
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko.sign.validation.errors import SignatureValidationError
    from pyhanko.sign.validation.status import SignatureCoverageLevel
    from pyhanko_certvalidator import ValidationContext
except ImportError as error:
    print(f"judge: {error}")
    sys.exit(77)

# What pyHanko raises on files that are broken; anything else is a fault of this program and ends it.
UNREADABLE = (PdfError, SignatureValidationError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)
TOOL_SECONDS_MAX = 60


def signature_fault(path, root, strict):
    """None, or what pyHanko has against the file."""
    with path.open("rb") as file:
        reader = PdfFileReader(file, strict=strict)
        signatures = reader.embedded_signatures
        if len(signatures) != 1:
            return f"{len(signatures)} signatures"
        # Tests set their own clock: the certificate must have been good when the file says that it was sealed.
        at = signatures[0].self_reported_timestamp
        if at is None:
            return "no time of sealing"
        context = ValidationContext(trust_roots=[root], moment=at, allow_fetching=False)
        status = validate_pdf_signature(signatures[0], signer_validation_context=context)
        demands = {
            "intact": status.intact,
            "valid": status.valid,
            "trusted": status.trusted,
            "bottom line": status.bottom_line,
            "covers the whole file": status.coverage == SignatureCoverageLevel.ENTIRE_FILE,
            "untouched": status.modification_level == ModificationLevel.NONE,
            "permits no change": "/DocMDP" in reader.root.get("/Perms", {}),
        }
        faults = [what for what, holds in demands.items() if not holds]
        return "not " + ", ".join(faults) if faults else None


def judge(path, root):
    """A verdict word and, where it is bad, why."""
    reasons = []
    for strict in (True, False):
        try:
            fault = signature_fault(path, root, strict)
        except UNREADABLE as error:
            reasons.append(f"{type(error).__name__}: {error}")
            continue
        if fault:
            return "bad", fault
        return ("valid" if strict else "valid, not strict"), None
    return "unreadable", reasons[0]


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TOOL_SECONDS_MAX, check=False)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def qpdf_badness(path):
    # 0 clean, 3 warnings, 2 errors: in this order of badness.
    code, told = run("qpdf", "--check", str(path))
    return {0: 0, 3: 1}.get(code, 2), told


def qpdf_fault(path, original):
    after, told = qpdf_badness(path)
    before = qpdf_badness(original)[0] if original else 0
    return f"qpdf: {before} became {after}: {told}" if after > before else None


def pdfsig_fault(path):
    code, told = run("pdfsig", "-nocert", str(path))
    good = code == 0 and "Signature is Valid." in told and "Total document signed" in told and "Not total" not in told
    return None if good else f"pdfsig: {told}"


def tool_fault(path, original):
    """None, or what qpdf or pdfsig has against the file."""
    return qpdf_fault(path, original) or pdfsig_fault(path)


def signed_places(data):
    """The ranges of bytes that the last signature covers."""
    found = re.findall(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]", data)
    a, b, c, d = (int(number) for number in found[-1])
    return range(a, a + b), range(c, c + d)


def controls(folder, files, roots, chance, count):
    """Changed copies that have to fail, each with the root to judge by and what was done."""
    for number, path in enumerate(chance.sample(files, min(count, len(files)))):
        data = bytearray(path.read_bytes())
        own = roots[path]
        strangers = [root for root in roots.values() if root.dump() != own.dump()]
        kinds = ["flipped", "longer"] + (["stranger"] if strangers else [])
        kind = kinds[number % len(kinds)]
        told = f"{path.name}: {kind}"
        if kind == "flipped":
            at = chance.choice([place for part in signed_places(data) for place in (part[0], chance.choice(part), part[-1])])
            data[at] ^= 1 << chance.randrange(8)
            told += f" at {at}"
        elif kind == "longer":
            data += b"\n"
        else:
            own = chance.choice(strangers)
        copy = folder / f"{number}-{kind}.pdf"
        copy.write_bytes(data)
        yield kind, copy, own, told


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--originals", type=pathlib.Path)
    parser.add_argument("--at-least", type=int, default=1)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--tools-max", type=int, default=sys.maxsize)
    parser.add_argument("--controls", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for tool in ("qpdf", "pdfsig"):
        if not shutil.which(tool):
            print(f"judge: no {tool}")
            sys.exit(77)
    logging.disable(logging.CRITICAL)
    began = time.monotonic()
    chance = random.Random(arguments.seed)

    counts = collections.Counter()
    faults = []
    loaded, roots = {}, {}
    all_files = sorted(arguments.folder.glob("*.pdf"))[:: arguments.every]
    for path in all_files:
        own = path.with_suffix(".root.pem")
        pem = own if own.exists() else arguments.folder / "root.pem"
        text = pem.read_bytes()
        if text not in loaded:
            loaded[text] = load_cert_from_pemder(str(pem))
        roots[path] = loaded[text]
        verdict, why = judge(path, roots[path])
        counts[f"pyHanko: {verdict}"] += 1
        if path.name.startswith("flipped-") == verdict.startswith("valid"):
            faults.append(f"{path.name}: {verdict}: {why}")

    files = [path for path in all_files if not path.name.startswith("flipped-")]
    originals = arguments.originals or arguments.folder / "originals"
    sample = chance.sample(files, min(arguments.tools_max, len(files)))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        of = {path: originals / path.name for path in sample}
        told = pool.map(lambda path: tool_fault(path, of[path] if of[path].exists() else None), sample)
        for path, fault in zip(sample, told):
            counts["qpdf and pdfsig: " + ("bad" if fault else "good")] += 1
            if fault:
                faults.append(f"{path.name}: {fault}")

    with tempfile.TemporaryDirectory() as folder:
        for kind, copy, root, told in controls(pathlib.Path(folder), files, roots, chance, arguments.controls):
            verdict, _ = judge(copy, root)
            counts[f"control, {kind}: {verdict}"] += 1
            # -nocert: pdfsig knows no root here.
            if verdict.startswith("valid") or (kind != "stranger" and pdfsig_fault(copy) is None):
                faults.append(f"not noticed: {told}")

    print(f"judge: {len(all_files)} files, {len(loaded)} roots, {time.monotonic() - began:.0f} s")
    for verdict, count in sorted(counts.items()):
        print(f"{count:6} {verdict}")
    if len(files) < arguments.at_least:
        faults.append(f"only {len(files)} sealed files, {arguments.at_least} are expected")
    for fault in faults:
        print(f"FAIL {fault}")
    sys.exit(1 if faults else 0)


main()
