"""Departments and their plans (seed 002): `hierarchy` reads them, `writing` changes them."""
