"""What Registrar's speed is measured against, side by side in one run: see docs/performance.md."""
