"""Families about intervals, grids and boards: merge_intervals, meeting_rooms, grid_paths.

trapping_water, median_of_two and n_queens are held out.
"""

from __future__ import annotations

from functools import cache
from itertools import permutations, product
from random import Random

from punie.generate.algorithms.family import Arguments, Family, Twist


def _draw_intervals(rng: Random, difficulty: int, _: Twist) -> Arguments:
    count = 3 + difficulty
    starts = [rng.randint(0, 7 * count) for _ in range(count)]
    return ([[start, start + rng.randint(1, 8)] for start in starts],)


def _rule_merge(twist: Twist, intervals: list[list[int]]) -> list[list[int]]:
    """Join any two that belong together until none do."""
    left = [tuple(interval) for interval in intervals]
    joined = True
    while joined:
        joined = False
        for one, other in permutations(left, 2):
            if one[0] <= other[0] <= one[1] + twist["gap"]:
                left.remove(one)
                left.remove(other)
                left.append((one[0], max(one[1], other[1])))
                joined = True
                break
    return sorted(map(list, left))


MERGE_INTERVALS = Family(
    type="merge_intervals",
    parameters="intervals: list[list[int]]",
    returns="list[list[int]]",
    names=("merge_intervals", "join_spans", "combine_ranges", "unite", "flatten_ranges"),
    taught=(
        "Each interval is a list [start, end] with start < end. Join those that $together, as often as that is "
        "possible, and return "
        "the rest as lists, sorted by start.",
        "Given spans [start, end], start below end, make one of all that $together. Return the spans that result, "
        "ordered by their start.",
    ),
    asked="Some periods are given as [start, end], where start comes before end. Periods that $together become one "
    "period, again and "
    "again. Which periods are left? Return them in ascending order.",
    solution="""def $name(intervals):
    merged = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]$plus:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return merged
""",
    wrong="""def $name(intervals):
    merged = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]$plus:
            merged[-1][1] = end
        else:
            merged.append([start, end])
    return merged
""",
    twists=tuple(
        {
            "gap": gap,
            "plus": f" + {gap}" if gap > 0 else f" - {-gap}" if gap < 0 else "",
            "together": "overlap or touch"
            if gap == 0
            else "overlap by 1 or more (touching is not enough)"
            if gap < 0
            else f"overlap, touch, or have a gap of {gap} or less between them",
        }
        for gap in (0, -1, *range(1, 16))
    ),
    draw=_draw_intervals,
    rule=_rule_merge,
    measure="intervals",
    size=lambda intervals: len(intervals),
    edges=(([],), ([[1, 9], [2, 4]],), ([[1, 3], [3, 5]],)),
)


def _rule_rooms(twist: Twist, meetings: list[list[int]]) -> int:
    busy = [range(start, end + twist["pause"]) for start, end in meetings]
    return max((sum(time in span for span in busy) for time in range(200)), default=0)


MEETING_ROOMS = Family(
    type="meeting_rooms",
    parameters="meetings: list[list[int]]",
    returns="int",
    names=("meeting_rooms", "rooms_needed", "fewest_desks", "machines_for", "parallel_jobs"),
    taught=(
        "Each meeting is [start, end] and needs a room from start until just before end. $pause_words Return how "
        "many rooms are "
        "needed at the least.",
        "Meetings take place from start until just before end, one in a room at a time. $pause_words What is the "
        "smallest number of "
        "rooms?",
    ),
    asked="A building holds meetings given as [start, end]; a room is occupied from start on and no longer at end. "
    "$pause_words With how "
    "few rooms do all meetings fit in?",
    solution="""def $name(meetings):
    events = []
    for start, end in meetings:
        events.append((start, 1))
        events.append((end + $pause, -1))
    rooms = most = 0
    for _, change in sorted(events):
        rooms += change
        most = max(most, rooms)
    return most
""",
    wrong="""def $name(meetings):
    events = sorted([(start, -1) for start, _ in meetings] + [(end + $pause + 1, 1) for _, end in meetings])
    rooms = most = 0
    for _, change in events:
        rooms -= change
        most = max(most, rooms)
    return most + 1
""",
    twists=tuple(
        {
            "pause": pause,
            "pause_words": f"After each meeting its room stays closed for another {pause} units of time."
            if pause
            else "A room can be used again at once.",
        }
        for pause in range(13)
    ),
    draw=_draw_intervals,
    rule=_rule_rooms,
    measure="meetings",
    size=lambda meetings: len(meetings),
    edges=(([],), ([[1, 3], [3, 5]],)),
)


def _rule_grid(twist: Twist, grid: list[list[int]]) -> int:
    better = max if twist["better"] == "max" else min

    @cache
    def value(row: int, column: int) -> int:
        moves = [(row - 1, column), (row, column - 1), *([(row - 1, column - 1)] if twist["diagonal"] else [])]
        before = [value(r, c) + twist["toll"] for r, c in moves if r >= 0 and c >= 0]
        return grid[row][column] + (better(before) if before else 0)

    return value(len(grid) - 1, len(grid[0]) - 1)


def _grid(better: str, diagonal: bool, toll: int) -> Twist:
    most = "highest" if better == "max" else "lowest"
    return {
        "better": better,
        "diagonal": diagonal,
        "toll": toll,
        "most": most,
        "moves": "right, down, or diagonally right and down" if diagonal else "right or down",
        "tolls": f", plus {toll} for each step" if toll else "",
        "plus": f" + {toll}" if toll else "",
        "corner": ", (i - 1, j - 1)" if diagonal else "",
    }


GRID_PATHS = Family(
    type="grid_paths",
    parameters="grid: list[list[int]]",
    returns="int",
    names=("grid_paths", "best_path", "walk_sum", "cross_grid", "corner_to_corner"),
    taught=(
        "Walk through a grid of numbers from the top left to the bottom right, one step $moves at a time. A path "
        "counts "
        "the numbers of all its cells, both ends included$tolls. Return the $most possible count.",
        "From the top left corner of `grid` go $moves until the bottom right corner. The total is the sum of the cells "
        "that are visited, with the first and the last$tolls. What is the $most total?",
    ),
    asked="A piece stands in the first cell of the first row and has to reach the last cell of the last row; a move "
    "goes $moves. It "
    "collects the number of every cell it stands on, the first and last included$tolls. Find the $most sum.",
    solution="""def $name(grid):
    totals = {}
    for i, row in enumerate(grid):
        for j, number in enumerate(row):
            before = [totals[cell] for cell in ((i - 1, j), (i, j - 1)$corner) if cell in totals]
            totals[i, j] = number + ($better(before)$plus if before else 0)
    return totals[len(grid) - 1, len(grid[0]) - 1]
""",
    wrong="""def $name(grid):
    i = j = 0
    total = grid[0][0]
    while i + 1 < len(grid) or j + 1 < len(grid[0]):
        if i + 1 < len(grid):
            i += 1
        else:
            j += 1
        total += grid[i][j]$plus
    return total
""",
    twists=tuple(
        _grid(better, diagonal, toll) for better, diagonal, toll in product(("min", "max"), (False, True), range(6))
    ),
    draw=lambda rng, difficulty, _: (
        [[rng.randint(0, 9) for _ in range(2 + difficulty // 2)] for _ in range(2 + (difficulty + 1) // 2)],
    ),
    rule=_rule_grid,
    measure="cells",
    size=lambda grid: len(grid) * len(grid[0]),
    edges=(([[4]],), ([[1, 0, 9], [9, 9, 2], [0, 9, 3]],)),
)


def _rule_water(_: Twist, heights: list[int]) -> int:
    return sum(
        max(0, min(max(heights[: place + 1]), max(heights[place:])) - height) for place, height in enumerate(heights)
    )


TRAPPING_WATER = Family(
    type="trapping_water",
    parameters="heights: list[int]",
    returns="int",
    names=("trapping_water",),
    taught=(),
    asked="Columns of the given heights, each one wide, stand side by side, and it rains until nothing more stays. "
    "How many "
    "units of water lie between the columns?",
    solution="""def $name(heights):
    total = left = right = 0
    i, j = 0, len(heights) - 1
    while i <= j:
        if left <= right:
            left = max(left, heights[i])
            total += left - heights[i]
            i += 1
        else:
            right = max(right, heights[j])
            total += right - heights[j]
            j -= 1
    return total
""",
    wrong="def $name(heights):\n    return sum(max(heights, default=0) - height for height in heights)\n",
    twists=({},),
    draw=lambda rng, difficulty, _: ([rng.randint(0, 9) for _ in range(4 + 2 * difficulty)],),
    rule=_rule_water,
    measure="columns",
    size=lambda heights: len(heights),
    edges=(([],), ([3, 1],)),
    held_out=True,
)


def _rule_median(_: Twist, a: list[int], b: list[int]) -> float:
    both = sorted(a + b)
    return (both[(len(both) - 1) // 2] + both[len(both) // 2]) / 2


MEDIAN_OF_TWO = Family(
    type="median_of_two",
    parameters="a: list[int], b: list[int]",
    returns="float",
    names=("median_of_two",),
    taught=(),
    asked="Two ascending lists are given, at least one of them not empty. Return the median of all their numbers "
    "taken together as a float: the middle "
    "one, or the mean of the two in the middle where their count is even.",
    solution="""def $name(a, b):
    merged = []
    i = j = 0
    while i < len(a) or j < len(b):
        if j == len(b) or (i < len(a) and a[i] <= b[j]):
            merged.append(a[i])
            i += 1
        else:
            merged.append(b[j])
            j += 1
    middle = len(merged) // 2
    if len(merged) % 2:
        return float(merged[middle])
    return (merged[middle - 1] + merged[middle]) / 2
""",
    wrong="def $name(a, b):\n    both = a + b\n    return float(both[len(both) // 2])\n",
    twists=({},),
    draw=lambda rng, difficulty, _: tuple(
        sorted(rng.randint(-50, 50) for _ in range(2 * difficulty + extra)) for extra in rng.choice(((0, 1), (1, 1)))
    ),
    rule=_rule_median,
    measure="numbers",
    size=lambda a, b: len(a) + len(b),
    edges=(([], [4, 9]), ([3], [])),
    held_out=True,
)


def _rule_queens(_: Twist, n: int, blocked: list[list[int]]) -> int:
    """Rows from the last to the first, with sets of what is attacked."""
    shut = {tuple(square) for square in blocked}

    def count(row: int, taken: frozenset[tuple[str, int]]) -> int:
        if row < 0:
            return 1
        lines = {column: {("|", column), ("/", row + column), ("\\", row - column)} for column in range(n)}
        free = [column for column in lines if (row, column) not in shut and not taken & lines[column]]
        return sum(count(row - 1, taken | lines[column]) for column in free)

    return count(n - 1, frozenset())


def _draw_queens(rng: Random, difficulty: int, _: Twist) -> Arguments:
    n = 4 + difficulty // 3
    squares = rng.sample([[row, column] for row in range(n) for column in range(n)], 2 + difficulty % 3)
    return n, sorted(squares)


N_QUEENS = Family(
    type="n_queens",
    parameters="n: int, blocked: list[list[int]]",
    returns="int",
    names=("n_queens",),
    taught=(),
    asked="In how many ways can `n` queens be put on a board of `n` times `n` squares so that no two of them share a "
    "row, a column or a "
    "diagonal? No queen may stand on a square [row, column] listed in `blocked` (counted from 0).",
    solution="""def $name(n, blocked):
    def place(row, columns):
        if row == n:
            return 1
        total = 0
        for column in range(n):
            safe = all(column != c and abs(column - c) != row - r for r, c in enumerate(columns))
            if safe and [row, column] not in blocked:
                total += place(row + 1, columns + [column])
        return total

    return place(0, [])
""",
    wrong="""def $name(n, blocked):
    return [1, 1, 0, 0, 2, 10, 4, 40, 92][n] - len(blocked)
""",
    twists=({},),
    draw=_draw_queens,
    rule=_rule_queens,
    measure="squares of the board and blocked squares",
    size=lambda n, blocked: n * n + len(blocked),
    edges=((1, []), (4, []), (5, [[0, 0]]), (6, [])),
    held_out=True,
)

FAMILIES = (MERGE_INTERVALS, MEETING_ROOMS, GRID_PATHS, TRAPPING_WATER, MEDIAN_OF_TWO, N_QUEENS)
