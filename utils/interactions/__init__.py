"""The parts that commands share: permissions, autocomplete, paging, confirmation, replies to errors."""
