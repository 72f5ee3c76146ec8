"""A notebook as a workbook: its tables and data, and models with live formulas."""
