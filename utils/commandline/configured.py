"""The configuration of a call: it is read before the call is made, and its problems are printed."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from utils.commandline.call import WRONG_USAGE, Call
from utils.errors import ConfigurationError
from utils.log_context import bind_log_context, draw_correlation_id
from utils.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class CallContext:
    """The input of a call.

    Attributes:
        settings: the configuration.
        options: the parsed arguments.
        extensions: the modules of the bot's features.
    """

    settings: Settings
    options: argparse.Namespace
    extensions: Sequence[str]

    @property
    def config(self) -> Path:
        """The file of the configuration."""
        path: Path = self.options.config
        return path


def run_configured(call: Call, options: argparse.Namespace, extensions: Sequence[str]) -> int:
    """Read the configuration, do a call and return the exit code."""
    try:
        settings = load_settings(options.config, os.environ)
    except ConfigurationError as error:
        for problem in error.problems:
            sys.stderr.write(f"{problem}\n")
        return WRONG_USAGE
    run, context = call.load(), CallContext(settings, options, extensions)
    if not call.name:
        return run(context)
    with bind_log_context(correlation_id=draw_correlation_id("k")):
        return run(context)
