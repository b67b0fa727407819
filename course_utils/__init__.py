"""The small, tested package that every notebook of the course imports.

Importing it is cheap: torch and librosa are imported by the modules that use them.
"""

from course_utils.show import show

__all__ = ["__version__", "show"]

__version__ = "0.1.0"
