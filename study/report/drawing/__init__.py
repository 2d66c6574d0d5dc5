"""What figures share: SVG and files, colors by role, rows, panels, scales, and what a figure is."""
