"""What every command shares: who may, autocomplete, paging, confirmation, replies to errors."""
