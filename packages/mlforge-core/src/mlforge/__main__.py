"""`python -m mlforge`."""

from mlforge.cli import main

if __name__ == "__main__":
    main()
