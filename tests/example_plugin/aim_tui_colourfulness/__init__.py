"""How colourful an image is: a metric for aim-tui that needs no model."""

from aim_tui.core.metrics.spec import MetricSpec, Need

COLOURFULNESS = MetricSpec(
    id="colourfulness", title="Colourfulness", short="Colour", raw_field="colourfulness",
    norm_field="colourfulness_norm", unit="levels", low=0.0, high=float("inf"), higher_is_better=True,
    needs=Need.NOTHING, roles=(), default_weight=0.0, decimals=2,
    formula="sqrt(var(R-G) + var((R+G)/2-B)) + 0.3 * sqrt(mean(R-G)^2 + mean((R+G)/2-B)^2)",
    source="Hasler and Suesstrunk 2003, doi:10.1117/12.477378",
    implementation="aim_tui_colourfulness.metric:Colourfulness",
)  # fmt: skip
