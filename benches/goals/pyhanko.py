"""Seals with pyHanko, the key loaded once: `pyhanko.py KEY.pem CERTIFICATE.pem ROOT.pem`.

Says `ready`; then, for each line `ORIGINAL TIMES OUT` (separated by tabs), the CPU nanoseconds of one seal. Exit 77 where pyHanko is missing.
"""

import sys
import time

try:
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers
except ImportError as error:
    print(f"no pyHanko: {error}", flush=True)
    sys.exit(77)


def seal(signer, original, out):
    metadata = signers.PdfSignatureMetadata(
        field_name="Seal",
        md_algorithm="sha256",
        subfilter=fields.SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=fields.MDPPerm.NO_CHANGES,
    )
    with open(original, "rb") as source, open(out, "wb+") as target:
        signers.sign_pdf(IncrementalPdfFileWriter(source), metadata, signer=signer, output=target)


def main():
    key, certificate, root = sys.argv[1:]
    signer = signers.SimpleSigner.load(key, certificate, ca_chain_files=(root,))
    if signer is None:
        sys.exit("pyHanko takes not the key")
    print("ready", flush=True)
    for line in sys.stdin:
        original, times, out = line.rstrip("\n").split("\t")
        begun = time.process_time_ns()
        for _ in range(int(times)):
            seal(signer, original, out)
        print((time.process_time_ns() - begun) / int(times), flush=True)


main()
