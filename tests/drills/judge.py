"""Strangers judge sealed files: pyHanko the signature, qpdf the structure, all in one process.

    judge.py FOLDER [--originals FOLDER] [--every N]

A file is trusted by NAME.root.pem beside it, else by root.pem. Demanded of each: intact, valid, trusted, covers the whole
file, nothing changed after, `qpdf --check` no worse than for the original. Of files named flipped-*: that they fail.
Exit 0 all as demanded, 1 not, 77 a tool is missing.
"""

import argparse
import collections
import logging
import pathlib
import shutil
import subprocess
import sys

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


def signature_fault(path, root, strict):
    """None, or what pyHanko has against the file."""
    with path.open("rb") as file:
        reader = PdfFileReader(file, strict=strict)
        signatures = reader.embedded_signatures
        if len(signatures) != 1:
            return f"{len(signatures)} signatures"
        context = ValidationContext(trust_roots=[root], allow_fetching=False)
        status = validate_pdf_signature(signatures[0], signer_validation_context=context)
        demands = {
            "intact": status.intact,
            "valid": status.valid,
            "trusted": status.trusted,
            "bottom line": status.bottom_line,
            "covers the whole file": status.coverage == SignatureCoverageLevel.ENTIRE_FILE,
            "untouched": status.modification_level == ModificationLevel.NONE,
            "permits no change": reader.root["/Perms"]["/DocMDP"] is not None,
        }
        faults = [what for what, holds in demands.items() if not holds]
        return "not " + ", ".join(faults) if faults else None


def judge(path, root):
    """A verdict word and, where it is bad, why."""
    reasons = []
    for strict in (True, False):
        try:
            fault = signature_fault(path, root, strict)
        except (PdfError, SignatureValidationError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
            reasons.append(f"{type(error).__name__}: {error}")
            continue
        if fault:
            return "bad", fault
        return ("valid" if strict else "valid, not strict"), None
    return "unreadable", reasons[0]


def qpdf_code(path):
    done = subprocess.run(["qpdf", "--check", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # 0 clean, 3 warnings, 2 errors: in this order of badness.
    return {0: 0, 3: 1}.get(done.returncode, 2)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--originals", type=pathlib.Path)
    parser.add_argument("--every", type=int, default=1)
    arguments = parser.parse_args()
    if not shutil.which("qpdf"):
        print("judge: no qpdf")
        sys.exit(77)
    logging.disable(logging.CRITICAL)

    counts = collections.Counter()
    faults = []
    roots = {}
    files = sorted(arguments.folder.glob("*.pdf"))[:: arguments.every]
    for path in files:
        own = path.with_suffix(".root.pem")
        pem = own if own.exists() else arguments.folder / "root.pem"
        if pem not in roots:
            roots[pem] = load_cert_from_pemder(str(pem))
        verdict, why = judge(path, roots[pem])
        counts[verdict] += 1
        flipped = path.name.startswith("flipped-")
        if flipped == verdict.startswith("valid"):
            faults.append(f"{path.name}: {verdict}: {why}")
        original = arguments.originals / path.name if arguments.originals else None
        if original and original.exists():
            before, after = qpdf_code(original), qpdf_code(path)
            counts["qpdf: " + ("worse" if after > before else "no worse")] += 1
            if after > before:
                faults.append(f"{path.name}: qpdf {before} became {after}")
        elif not flipped and not original and qpdf_code(path) != 0:
            faults.append(f"{path.name}: qpdf complains")
    print(f"judge: {len(files)} files")
    for verdict, count in sorted(counts.items()):
        print(f"{count:6} {verdict}")
    for fault in faults:
        print(f"FAIL {fault}")
    sys.exit(1 if faults or not files else 0)


main()
