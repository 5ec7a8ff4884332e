"""The classic group coordinator: who reads what, and how far they got."""
