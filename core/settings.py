"""Every setting of a deployment, in one tree.

Read from the environment (``LEAKWATCH_API__PORT=9000``) and from ``leakwatch.toml`` in the working
directory; the environment wins. What belongs to one source or one destination is not here: it is kept,
sealed, with that source or destination.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, HttpUrl, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from core.addresses import is_loopback
from core.errors import SettingsError

SETTINGS_FILE = Path("leakwatch.toml")


def _is_for_people(url: HttpUrl) -> HttpUrl:
    if url.scheme != "https" and not is_loopback(url.host or ""):
        raise ValueError("must be an https address, or http on this machine")
    if url.username or url.password or url.query or url.fragment:
        raise ValueError("must be an address without user name, query and fragment")
    return url


PublicUrl = Annotated[HttpUrl, AfterValidator(_is_for_people)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class ApiSettings(_Part):
    """Where the API listens."""

    host: str = Field("127.0.0.1", description="Address to listen on. Keep the loopback address behind a proxy.")
    port: int = Field(8420, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    max_body_bytes: int = Field(10_000_000, gt=0, description="Largest request body that is read.")


class HttpSettings(_Part):
    """The way out: how sources and channels reach other machines."""

    user_agent: str = Field(
        "Leakwatch/0.1 (leak monitor for online communities)", description="What requests call themselves."
    )
    contact: str | None = Field(
        None, description="Address or page added to the user agent, so that sites can reach you."
    )
    timeout_seconds: float = Field(30.0, gt=0, description="Longest time for a whole request, redirects included.")
    max_bytes: int = Field(20_000_000, gt=0, description="Largest answer, after decompression.")
    max_redirects: int = Field(5, ge=0, description="How many redirects are followed.")
    host_interval_seconds: float = Field(1.0, ge=0, description="Shortest time between two requests to one host.")
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        (), description="Networks that are not public and may be reached all the same, for a receiver of your own."
    )


class MonitorSettings(_Part):
    """The jobs that run in the background."""

    source_lease_seconds: int = Field(
        300, gt=0, description="How long one poll may take before another process may take it over."
    )
    delivery_lease_seconds: int = Field(120, gt=0, description="How long one delivery attempt may take.")
    seen_days: int = Field(90, gt=0, description="How long a keyed hash of a document read is kept.")
    failing_polls: int = Field(
        3,
        gt=0,
        description="How many polls of a source must have failed in a row before its community is told; fewer where "
        "the next try lies further off than failing_minutes.",
    )
    failing_minutes: int = Field(60, ge=0, description="For how long it must have failed by then.")
    silent_hours: int = Field(
        12, gt=0, description="Shortest time without anything new for which a source that usually has more is silent."
    )
    max_characters: int = Field(
        5_000_000, gt=0, description="How many characters of a document are examined; it is said where one has more."
    )
    minimum_score: int = Field(20, ge=0, le=100, description="Lowest score that raises an alert.")


class IncidentSettings(_Part):
    """How long is remembered what alerts have in common."""

    memory_days: int = Field(
        90, gt=0, description="How long after an incident was last seen its leak is known again when it is copied."
    )
    person_hours: int = Field(
        24,
        ge=0,
        description="How long after an incident was last seen another alert about the same person joins it, where it "
        "tells nothing new of them; 0 joins none.",
    )
    mosaic_days: int = Field(
        90, gt=0, description="How long after it was last told is remembered what kind of thing was told of a member."
    )


class Settings(BaseSettings):
    """The root of the tree."""

    model_config = SettingsConfigDict(
        env_prefix="LEAKWATCH_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        nested_model_default_partial_update=True,
    )

    data_directory: Path = Field(Path("data"), description="Where the database and the key live.")
    database_url: str | None = Field(
        None, description="SQLAlchemy address of the database; the default is leakwatch.sqlite3 in the data directory."
    )
    key: str | None = Field(
        None, repr=False, description="The key-encryption key itself (32 bytes in base64), instead of a key file."
    )
    key_file: Path | None = Field(
        None, description="File of the key-encryption key; the default is leakwatch.key in the data directory."
    )
    public_url: PublicUrl | None = Field(
        None, description="Where people reach this service; messages then carry a link to the incident's page."
    )
    phone_regions: tuple[str, ...] = Field(
        ("US", "GB"), description="Countries (ISO 3166-1) whose national phone number formats are recognised."
    )
    nlp_model: str | None = Field(
        None, description="Name or path of an installed spaCy pipeline to use in place of the built-in one."
    )
    log_level: str = Field(
        "INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least important log line to write."
    )
    api: ApiSettings = ApiSettings()
    http: HttpSettings = HttpSettings()
    monitor: MonitorSettings = MonitorSettings()
    incidents: IncidentSettings = IncidentSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, SETTINGS_FILE)

    @property
    def database_address(self) -> str:
        """SQLAlchemy address of the database, with its asynchronous driver."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_directory / 'leakwatch.sqlite3'}"

    @property
    def key_path(self) -> Path:
        """File of the key-encryption key."""
        return self.key_file or self.data_directory / "leakwatch.key"


def load_settings(**overrides: object) -> Settings:
    """Return the settings of this process. Raises SettingsError with one sentence a wrong setting."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # checked by pydantic
    except ValidationError as error:
        sentences = [f"setting {'.'.join(map(str, row['loc']))}: {row['msg']}" for row in error.errors()]
        raise SettingsError("; ".join(sentences)) from None
    except (OSError, ValueError) as error:
        raise SettingsError(f"{SETTINGS_FILE} cannot be read: {type(error).__name__}") from None
