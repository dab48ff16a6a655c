"""Labels, who stands behind them, and every way to change them; numpy alone."""
