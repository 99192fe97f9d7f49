"""The Databricks stores of mlforge: versions in tables of Unity Catalog, and what is served from Lakebase."""
