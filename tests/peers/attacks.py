"""What other readers say of the attacks that the tests make.

KYSO_ATTACKS=FOLDER cargo test --all-features --test attack_pdf --test attack_pdf_signature
attacks.py FOLDER

One line for each file, told apart by who takes it: p for pyHanko (intact, and bottom
line apart from trust), s for pdfsig (valid). Nothing is asserted.
"""

import subprocess
import sys
from pathlib import Path

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import SignatureCoverageLevel


def by_pyhanko(path):
    with path.open("rb") as file:
        try:
            signatures = PdfFileReader(file, strict=True).embedded_regular_signatures
            states = [validate_pdf_signature(signature) for signature in signatures]
            whole = SignatureCoverageLevel.ENTIRE_REVISION
            good = [s.intact and s.valid and s.docmdp_ok and s.coverage >= whole for s in states]
            return bool(good) and all(good)
        except Exception:  # pyHanko raises many kinds on malformed files
            return False


def by_pdfsig(path):
    said = subprocess.run(["pdfsig", "-nocert", str(path)], capture_output=True, check=False).stdout.decode("utf8", "replace")
    verdicts = [line for line in said.splitlines() if "Signature Validation:" in line]
    return bool(verdicts) and all("Signature is Valid" in line for line in verdicts)


totals = [0, 0, 0]
for path in sorted(Path(sys.argv[1]).glob("*.pdf")):
    pyhanko, pdfsig = by_pyhanko(path), by_pdfsig(path)
    totals = [totals[0] + 1, totals[1] + pyhanko, totals[2] + pdfsig]
    print(f"{'p' if pyhanko else '-'}{'s' if pdfsig else '-'} {path.stem}")
print("{} attacks; pyHanko takes {}, pdfsig {}".format(*totals))
