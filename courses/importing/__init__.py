"""Records in and out: other systems' files, and the catalogue's own as CSV and Excel.

`import_file` takes a whole file of another system by COPY; `resources` are what the admin's pages
import and export, through the catalogue's operations.
"""

from .files import Imported, import_file
from .lines import Remark, Unusable

__all__ = ["Imported", "Remark", "Unusable", "import_file"]
