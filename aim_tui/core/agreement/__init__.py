"""How far a metric agrees with people, another model or any column: pure functions over a `study.Study`.

`analysis.analyse` is the whole; its frozen records are what every table, file, figure and screen is made of.
"""
