"""Values of the domain: frozen, slotted dataclasses that know no library."""
