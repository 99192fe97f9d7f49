"""`python -m mlforge.cli`."""

from mlforge.cli import main

if __name__ == "__main__":
    main()
