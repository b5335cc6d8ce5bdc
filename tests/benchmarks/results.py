"""Figures as a run has them, for the tests of what shows them."""

PHASES = ("list", "detail", "create", "detail_again", "list_written")


def result(name, title, *, cold=100.0, warm=2.0, disturbed=0.0):
    started = dict.fromkeys(("load_ms", "first_ms", "cpu_ms", "rss_mb"), cold)
    a_call = dict.fromkeys(
        ("p95_ms", "p99_ms", "mean_ms", "cpu_ms", "database_cpu_ms"), warm
    )
    counted = {"statements": 1.0, "pings": 0.0, "calls": 2000, "disturbed": disturbed}
    return {
        "name": name,
        "title": title,
        "zipped_mb": 1.0,
        "unpacked_mb": 3.0,
        "connections_opened": 1,
        "connections_held": 1,
        "peak_mb": 50.0,
        "cold": {"wall_ms": cold, "samples": 45, "disturbed": disturbed, **started},
        **{phase: {"p50_ms": warm, **a_call, **counted} for phase in PHASES},
    }


OURS = result("ours", "Ours", cold=300.0, warm=3.0)
NODE = result("node", "Node & co", cold=400.0)
