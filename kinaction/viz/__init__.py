"""Floor 9: pictures, computed from the trace. Reads kernel values only; decides nothing."""
