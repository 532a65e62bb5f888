# SPDX-License-Identifier: Apache-2.0
# The tables and verdicts of bench/jobs, from its results: tab-separated lines
#
#   fact NAME TEXT
#   run KIND MICROSECONDS
#   latency MICROSECONDS
#   queue COUNT start|list|drain MICROSECONDS
#   memory COUNT PEAK-KIB KIB ANONYMOUS-KIB
#   wakeups SECONDS COUNT
BEGIN { FS = "\t" }

$1 == "fact" { facts[++n_facts] = $2; fact[$2] = $3 }
$1 == "run" { add($2, $3) }
$1 == "latency" { add("latency", $2) }
$1 == "queue" {
	if (!($2 in seen_queue)) queues[++n_queues] = $2
	seen_queue[$2] = 1
	add($2 SUBSEP $3, $4)
}
$1 == "memory" {
	if ($3 > peak[$2]) peak[$2] = $3
	rss[$2] = $4
	anon[$2] = $5
}
$1 == "polls" { polls_s = $2; polls = $3; requests = $4 }
$1 == "wakeups" { idle_s = $2; wakeups = $3 }

function add(key, value) { values[key, ++count[key]] = value }
# The value that the share p of all are not above.
function quantile(key, p,    i, j, n, t, v) {
	n = count[key]
	for (i = 1; i <= n; i++) {
		t = values[key, i]
		for (j = i - 1; j >= 1 && v[j] > t; j--) v[j + 1] = v[j]
		v[j + 1] = t
	}
	if (p == 0.5 && n % 2 == 0) return (v[n / 2] + v[n / 2 + 1]) / 2
	i = int(p * n)
	return v[i < p * n ? i + 1 : i]
}
function median(key) { return quantile(key, 0.5) }
function has(key) { return key in count }
function per_job(kind) { return median(kind) / fact["jobs"] }

# Text

function text_facts(    i) {
	for (i = 1; i <= n_facts; i++) printf "%s: %s\n", facts[i], fact[facts[i]]
}
function text_runs(    i, n, kinds) {
	if (!has("floor")) return
	printf "\n| %d jobs of /bin/true, %d at a time | median ms | us for each | jobs/s | times the floor |\n",
		fact["jobs"], fact["slots"]
	print "|---|--:|--:|--:|--:|"
	n = split(order, kinds, " ")
	for (i = 1; i <= n; i++)
		if (has(kinds[i]))
			printf "| %s | %.0f | %.0f | %.0f | %.2f |\n", title[kinds[i]], median(kinds[i]) / 1000,
				per_job(kinds[i]), 1e6 / per_job(kinds[i]), median(kinds[i]) / median("floor")
	printf "\n%d single jobs, from rename to main(): median %.0f us, 90 %% %.0f us, longest %.0f us\n",
		count["latency"], median("latency"), quantile("latency", 0.9), quantile("latency", 1)
}
function text_queues(    i, q) {
	if (!n_queues) return
	print "\n| jobs queued | watcher ready ms | `jobs` ms | drained ms | us for each | peak KiB | RSS KiB | of it anonymous |"
	print "|--:|--:|--:|--:|--:|--:|--:|--:|"
	if ("0" in peak) printf "| none | | | | | %d | %d | %d |\n", peak[0], rss[0], anon[0]
	for (i = 1; i <= n_queues; i++) {
		q = queues[i]
		printf "| %d | %.0f | %.0f | %.0f | %.0f | %d | %d | %d |\n", q, median(q SUBSEP "start") / 1000,
			median(q SUBSEP "list") / 1000, median(q SUBSEP "drain") / 1000,
			median(q SUBSEP "drain") / q, peak[q], rss[q], anon[q]
	}
}

# Verdicts: reached is at least the goal, or for "<=" at most.

function verdict(what, how, goal, got, note) {
	v_what[++n_verdicts] = what
	v_how[n_verdicts] = how
	v_goal[n_verdicts] = goal
	v_got[n_verdicts] = got
	v_note[n_verdicts] = note
	v_ok[n_verdicts] = how == "<=" ? got <= goal : got >= goal
}
function against_peer(peer, ours, note) {
	if (has(peer))
		verdict("times as fast as " title[peer], ">=", 1, median(peer) / median(ours), note)
	else
		verdict("times as fast as " title[peer], ">=", 1, 0, "not there")
}
function linear(what, text,    a, b) {
	a = queues[1]
	b = queues[2]
	verdict(sprintf("%s, a job of %d to one of %d", text, b, a), "<=", 1.5,
		(median(b SUBSEP what) / b) / (median(a SUBSEP what) / a), "")
}
function verdicts() {
	if (has("floor")) {
		verdict("share of the floor's jobs/s, all queued", ">=", 0.6, median("floor") / median("queued"), "")
		against_peer("tsp", "submitted", "a process submits each job")
		against_peer("nq", "submitted", "the same")
		against_peer("incron", "renamed", "files are renamed")
		verdict("rename to main(), times the floor's time for a job", "<=", 3,
			median("latency") / per_job("floor"), "median")
	}
	if (n_queues == 2) {
		linear("list", "listed")
		linear("drain", "drained")
		verdict(sprintf("peak MiB of the watcher, %d queued", queues[2]), "<=", 8, peak[queues[2]] / 1024, "")
	}
	if (idle_s) {
		verdict("peak MiB of the watcher, idle", "<=", 4, peak[0] / 1024, "")
		verdict("wake-ups in 30 s, idle", "<=", 1, wakeups * 30 / idle_s,
			sprintf("%d in %d s", wakeups, idle_s))
	}
	if (polls_s)
		verdict("polls for notices in 60 s, idle, on demand", "<=", 1, polls * 60 / polls_s,
			sprintf("%d in %d s, %d requests", polls, polls_s, requests))
}
function text_verdicts(    i) {
	print "\n| goal | | | reached | | |\n|---|---|--:|--:|---|---|"
	for (i = 1; i <= n_verdicts; i++)
		printf "| %s | %s | %.2f | %.2f | %s | %s |\n", v_what[i], v_how[i], v_goal[i], v_got[i],
			v_ok[i] ? "yes" : "no", v_note[i]
}

# JSON

function quoted(s) {
	gsub(/\*\*|`/, "", s)
	gsub(/\\/, "\\\\", s)
	gsub(/"/, "\\\"", s)
	return "\"" s "\""
}
function comma(i) { return i == 1 ? "" : "," }
function json(    i, n, q, sep, kinds) {
	printf "{\n  \"facts\": {"
	for (i = 1; i <= n_facts; i++) printf "%s\n    %s: %s", comma(i), quoted(facts[i]), quoted(fact[facts[i]])
	printf "\n  },\n  \"runs\": ["
	n = split(order, kinds, " ")
	for (i = 1; i <= n; i++) {
		if (!has(kinds[i])) continue
		printf "%s\n    {\"kind\": %s, \"runs\": %d, \"median_us\": %.0f}", sep, quoted(kinds[i]),
			count[kinds[i]], median(kinds[i])
		sep = ","
	}
	printf "\n  ],\n  \"latency_us\": "
	if (has("latency"))
		printf "{\"jobs\": %d, \"median\": %.0f, \"p90\": %.0f, \"max\": %.0f}", count["latency"],
			median("latency"), quantile("latency", 0.9), quantile("latency", 1)
	else
		printf "null"
	printf ",\n  \"queues\": ["
	for (i = 1; i <= n_queues; i++) {
		q = queues[i]
		printf "%s\n    {\"jobs\": %d, \"ready_us\": %.0f, \"list_us\": %.0f, \"drain_us\": %.0f, " \
			"\"peak_kib\": %d, \"rss_kib\": %d, \"anonymous_kib\": %d}", comma(i), q,
			median(q SUBSEP "start"), median(q SUBSEP "list"), median(q SUBSEP "drain"), peak[q],
			rss[q], anon[q]
	}
	printf "\n  ],\n  \"idle\": "
	if (idle_s)
		printf "{\"seconds\": %d, \"wakeups\": %d, \"peak_kib\": %d, \"rss_kib\": %d, \"anonymous_kib\": %d}",
			idle_s, wakeups, peak[0], rss[0], anon[0]
	else
		printf "null"
	printf ",\n  \"polls\": "
	if (polls_s)
		printf "{\"seconds\": %d, \"polls\": %d, \"requests\": %d}", polls_s, polls, requests
	else
		printf "null"
	printf ",\n  \"goals\": ["
	for (i = 1; i <= n_verdicts; i++)
		printf "%s\n    {\"what\": %s, \"is\": %s, \"goal\": %s, \"got\": %.3f, \"reached\": %s, \"note\": %s}",
			comma(i), quoted(v_what[i]), quoted(v_how[i]), v_goal[i], v_got[i],
			v_ok[i] ? "true" : "false", quoted(v_note[i])
	print "\n  ]\n}"
}

END {
	order = "floor queued renamed submitted tsp nq incron"
	title["floor"] = "floor: posix_spawn and wait"
	title["queued"] = "**ours**, all queued"
	title["renamed"] = "**ours**, files renamed meanwhile"
	title["submitted"] = "**ours**, a `submit` for each"
	title["tsp"] = "task-spooler"
	title["nq"] = "nq"
	title["incron"] = "incron"
	verdicts()
	if (form == "json") {
		json()
		exit
	}
	text_facts()
	text_runs()
	text_queues()
	text_verdicts()
}
