"""Failures that a person can understand and mend.

Every expected failure is a child of `WishlightError`; its text says what happened and what to do, in words fit for
a product manager. Misuse of the code itself raises `ValueError`.
"""


class WishlightError(Exception):
    """An expected failure with a message fit for the page and the command line."""


class CatalogFileError(WishlightError):
    """The catalogue file cannot be read as a table."""


class MappingError(WishlightError):
    """The columns cannot be matched to item fields."""


class PictureError(WishlightError):
    """One picture cannot be used.

    Attributes:
        code: A short stable name for the reason, e.g. "truncated", "too_large", "svg", "private_address".
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def __reduce__(self) -> tuple[type["PictureError"], tuple[str, str]]:
        return type(self), (self.code, str(self))


class ArchiveError(WishlightError):
    """The ZIP file is damaged or hostile."""


class BackboneError(WishlightError):
    """The image-text model cannot be loaded or used."""


class StoreError(WishlightError):
    """The data folder cannot be read or written."""


class CatalogNotFoundError(WishlightError):
    """There is no catalogue of that name."""


class NeedError(WishlightError):
    """The need or a filter cannot be understood."""


class JobError(WishlightError):
    """A background job cannot be started, found or finished."""


class TrainError(WishlightError):
    """Training cannot start or go on; what was saved stays."""


class EvaluationError(WishlightError):
    """A comparison cannot be made with this data."""


class ExplainError(WishlightError):
    """A suggestion cannot be explained in this way."""


class CancelledError(WishlightError):
    """The person cancelled the work; what was acknowledged stays."""
