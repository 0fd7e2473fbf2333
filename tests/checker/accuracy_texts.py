"""What the accuracy script of a benchmark prints when all targets are met."""

from __future__ import annotations

from schemas.rounds import BenchmarkRules

OWN_LINE = {
    "acc": "accuracy={}%, good=38000, total=50000",
    "mAP": "mAP={}%",
    "F1": '{{"exact_match": 80.0, "f1": {}}}',
    "WER": "Word Error Rate: 0.05, accuracy={}%",
    "ACCURACY": "Word Error Rate: 2.05, accuracy={}%",
    "DICE": "Accuracy: mean = {}, kidney = 0.9",
    "AUC": "AUC={}%",
}
IN_ONE_LINE = {
    "ROUGE1": "rouge1", "ROUGE2": "rouge2", "ROUGEL": "rougeL", "ROUGELSUM": "rougeLsum", "GEN_LEN": "gen_len",
    "TOKENS_PER_SAMPLE": "tokens_per_sample", "CLIP_SCORE": "CLIP_SCORE", "FID_SCORE": "FID_SCORE",
    "gsm8k_accuracy": "gsm8k", "mbxp_accuracy": "mbxp", "exact_match": "exact_match",
}  # fmt: skip


def accuracy_text(rules: BenchmarkRules) -> str:
    """Values a thousandth above each target; 76.001 for ResNet50."""
    if rules.name == "resnet":
        return OWN_LINE["acc"].format(76.001) + "\n"
    values = {t.metric: round(t.limit * 1.001, 6) for t in rules.lower_limits()}
    lines = [OWN_LINE[name].format(value) for name, value in values.items() if name in OWN_LINE]
    rest = [f"'{IN_ONE_LINE[n]}': {value}" for n, value in values.items() if n in IN_ONE_LINE]
    if rest:
        lines.append("{" + ", ".join(rest) + "}")
    return "\n".join(lines) + "\n"
