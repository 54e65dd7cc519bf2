"""Money: ledger, charges, Stripe. Still an empty room; `sync` must never hear of it (docs/architecture.md)."""
