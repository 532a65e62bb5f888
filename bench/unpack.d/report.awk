# SPDX-License-Identifier: Apache-2.0
# The tables and verdicts of bench/unpack, from its results: tab-separated lines
#
#   fact NAME TEXT
#   corpus NAME ENTRIES BYTES
#   size CORPUS KIND BYTES
#   tree CORPUS COMMAND right|LINES
#   run SHAPE CORPUS COMMAND MICROSECONDS MICROSECONDS-OF-PROCESSOR KIB
BEGIN { FS = "\t" }

$1 == "fact" { facts[++n_facts] = $2; fact[$2] = $3 }
$1 == "corpus" { corpora[++n_corpora] = $2; entries[$2] = $3; bytes[$2] = $4 }
$1 == "size" { size[$2, $3] = $4 }
$1 == "tree" { tree[$2, $3] = $4 }
$1 == "run" {
	key = $2 SUBSEP $3 SUBSEP $4
	if (!(key in count)) {
		command[$2, $3, ++n_commands[$2, $3]] = $4
		peak[key] = 0
	}
	i = ++count[key]
	walls[key, i] = $5
	cpus[key, i] = $6
	if ($7 > peak[key]) peak[key] = $7
}

function median(values, key, n,    i, j, t, v) {
	for (i = 1; i <= n; i++) {
		t = values[key, i]
		for (j = i - 1; j >= 1 && v[j] > t; j--) v[j + 1] = v[j]
		v[j + 1] = t
	}
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}
function has(shape, corpus, cmd) { return (shape SUBSEP corpus SUBSEP cmd) in count }
function kind_of(cmd) { return substr(cmd, index(cmd, ":") + 1) }
function tool_of(cmd) { return substr(cmd, 1, index(cmd, ":") - 1) }
function is_peer(cmd) { return tool_of(cmd) !~ /^(ours|decode|write)$/ }

function title(cmd,    tool, kind) {
	tool = tool_of(cmd)
	kind = kind_of(cmd)
	if (kind == "-") return "limit: write only"
	if (tool == "decode") return "limit: decode only, " kinds[kind]
	if (tool ~ /^(xz-T0|pixz|pzstd)$/) tool = tool " \\| tar"
	return (tool == "ours" ? "**ours**" : tool) ", " kinds[kind]
}

# Text

function text_facts(    i) {
	for (i = 1; i <= n_facts; i++) printf "%s: %s\n", facts[i], fact[facts[i]]
}
function ratio(a, b) { return b > 0 ? sprintf("%.2f", a / b) : "" }

function text_table(shape, corpus,    i, j, n, t, order, cmd, key, o19, o3) {
	n = n_commands[shape, corpus]
	if (!n) return
	printf "\n%s, %s: %d entries, %.0f MB\n\n", corpus, shapes[shape], entries[corpus], bytes[corpus] / 1e6
	print "| command | archive MB | wall ms | CPU ms | peak MB | of ours -19 | of ours -3 | tree |"
	print "|---|--:|--:|--:|--:|--:|--:|---|"
	for (i = 1; i <= n; i++) {
		t = command[shape, corpus, i]
		for (j = i - 1; j >= 1 && wall[shape, corpus, order[j]] < wall[shape, corpus, t]; j--)
			order[j + 1] = order[j]
		order[j + 1] = t
	}
	o19 = wall[shape, corpus, "ours:own19"]
	o3 = wall[shape, corpus, "ours:own3"]
	for (i = 1; i <= n; i++) {
		cmd = order[i]
		key = shape SUBSEP corpus SUBSEP cmd
		printf "| %s | %s | %.0f | %.0f | %s | %s | %s | %s |\n", title(cmd),
			(corpus, kind_of(cmd)) in size ? sprintf("%.1f", size[corpus, kind_of(cmd)] / 1e6) : "",
			wall[key] / 1000, cpu[key] / 1000,
			tool_of(cmd) ~ /decode|write/ ? "" : sprintf("%.0f", peak[key] / 1024),
			ratio(wall[key], o19), ratio(wall[key], o3), (corpus, cmd) in tree ? tree[corpus, cmd] : ""
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
# How many times faster ours is than a peer.
function faster(shape, corpus, mine, peer, goal, what) {
	if (has(shape, corpus, mine) && has(shape, corpus, peer))
		verdict(corpus ": " what, ">=", goal, wall[shape, corpus, peer] / wall[shape, corpus, mine], "")
}
function fastest_peer(corpus, max_size,    i, cmd, best) {
	for (i = 1; i <= n_commands[2, corpus]; i++) {
		cmd = command[2, corpus, i]
		if (!is_peer(cmd) || (max_size && size[corpus, kind_of(cmd)] > max_size)) continue
		if (best == "" || wall[2, corpus, cmd] < wall[2, corpus, best]) best = cmd
	}
	return best
}
function against_fastest(corpus, mine, max_size, goal, what,    best) {
	if (has(2, corpus, "fsck.erofs:erofs")) best = fastest_peer(corpus, max_size) # and so all others
	if (best == "" || !has(2, corpus, mine)) return
	verdict(corpus ": " what, ">=", goal, wall[2, corpus, best] / wall[2, corpus, mine], title(best))
}
function against_limit(corpus, kind,    limit) {
	if (!has(2, corpus, "ours:" kind) || !has(2, corpus, "decode:" kind)) return
	limit = wall[2, corpus, "decode:" kind] + wall[2, corpus, "write:-"]
	verdict(corpus ": " kinds[kind] ", times the limit of decode and write", "<=", 1.2,
		wall[2, corpus, "ours:" kind] / limit, sprintf("limit %.0f ms", limit / 1000))
	verdict(corpus ": " kinds[kind] ", peak MB", "<=", 25, peak[2, corpus, "ours:" kind] / 1024, "")
}
function against_tar(corpus, shape,    i, n, kind, r, worst, which) {
	if (!has(shape, corpus, "tar:zst3")) return
	n = split("own19 own3 zst3", kind_list, " ")
	for (i = 1; i <= n; i++) {
		kind = kind_list[i]
		r = wall[shape, corpus, "tar:zst3"] / wall[shape, corpus, "ours:" kind]
		if (which == "" || r < worst) {
			worst = r
			which = kinds[kind]
		}
	}
	verdict(corpus ": " shapes[shape] ", against tar --zstd", ">=", 1, worst, "worst: " which)
}
function slow_goals(corpus,    i, n, kind, gain) {
	n = split("own19 xz zst3", kind_list, " ")
	for (i = 1; i <= n; i++)
		faster("slow", corpus, "ours:" kind_list[i], "tar:" kind_list[i], 5,
			"slow volume, " kinds[kind_list[i]] ", against tar -xf of it")
}
function tree_goal(corpus,    i, cmd, wrong, n) {
	for (i = 1; i <= n_commands[2, corpus]; i++) {
		cmd = command[2, corpus, i]
		if (tool_of(cmd) != "ours" || !((corpus, cmd) in tree)) continue
		n++
		if (tree[corpus, cmd] != "right") wrong++
	}
	if (n) verdict(corpus ": wrong trees of ours", "<=", 0, wrong + 0, n " archives")
}

function verdicts(    i, c, tiny) {
	for (i = 1; i <= n_corpora; i++) {
		c = corpora[i]
		tiny = c == "tiny"
		tree_goal(c)
		if (c == "oct") {
			faster(2, c, "ours:own19", "tar:xz", 18, "default archive against tar -xf of xz -6")
			against_fastest(c, "ours:own19", 1.2 * size[c, "own19"], 1.4,
				"default archive against the fastest peer of at most 1.2 times its size")
			if (has(2, c, "ours:own19") && (c, "zst19") in size)
				verdict(c ": size of the default archive to zstd -19 --long", "<=", 1.10,
					size[c, "own19"] / size[c, "zst19"], "")
		}
		faster(2, c, "ours:own3", "tar:zst3", tiny ? 1.9 : 2.2, "level 3 against tar --zstd")
		faster(2, c, "ours:own3", "pzstd:pzstd", tiny ? 1.9 : 1.7, "level 3 against pzstd \\| tar")
		against_fastest(c, "ours:own3", 0, 1, "level 3 against the fastest peer of any size")
		against_limit(c, "own19")
		against_limit(c, "own3")
		if (c == "oct") {
			faster(2, c, "ours:xz", "tar:xz", 1.7, "xz of one block against tar -xf of it")
			faster(2, c, "ours:xzblocks", "tar:xzblocks", 2.7, "xz of many blocks against tar -xf of it")
		}
		against_tar(c, 2)
		against_tar(c, 1)
		against_tar(c, "half")
		slow_goals(c)
	}
	if ("half" in fact && fact["half"] == "none") verdict("half a processor could be had", ">=", 1, 0, "")
}

function text_verdicts(    i) {
	print "\n| goal | | | reached | | |\n|---|---|--:|--:|---|---|"
	for (i = 1; i <= n_verdicts; i++)
		printf "| %s | %s | %.2f | %.2f | %s | %s |\n", v_what[i], v_how[i], v_goal[i], v_got[i],
			v_ok[i] ? "yes" : "no", v_note[i]
}
# Files that are needed first could come first; it cannot gain more than the slow volume costs.
function text_first(    i, c) {
	print ""
	for (i = 1; i <= n_corpora; i++) {
		c = corpora[i]
		if (!has("slow", c, "ours:own19") || !has(2, c, "ours:own19")) continue
		printf "%s: files needed first could gain at most %.2f s on the slow volume (%.2f s in all, %.2f s warm)\n",
			c, (wall["slow", c, "ours:own19"] - wall[2, c, "ours:own19"]) / 1e6,
			wall["slow", c, "ours:own19"] / 1e6, wall[2, c, "ours:own19"] / 1e6
	}
}

# JSON

function quoted(s) {
	gsub(/\\\|/, "|", s) # as a table wants it
	gsub(/\\/, "\\\\", s)
	gsub(/"/, "\\\"", s)
	return "\"" s "\""
}
function comma(i) { return i == 1 ? "" : "," }
function json(    i, key, part, sep) {
	printf "{\n  \"facts\": {"
	for (i = 1; i <= n_facts; i++) printf "%s\n    %s: %s", comma(i), quoted(facts[i]), quoted(fact[facts[i]])
	printf "\n  },\n  \"corpora\": {"
	for (i = 1; i <= n_corpora; i++)
		printf "%s\n    %s: {\"entries\": %d, \"bytes\": %.0f}", comma(i), quoted(corpora[i]),
			entries[corpora[i]], bytes[corpora[i]]
	printf "\n  },\n  \"runs\": ["
	for (key in count) {
		split(key, part, SUBSEP)
		printf "%s\n    {\"shape\": %s, \"corpus\": %s, \"command\": %s, \"runs\": %d, \"wall_us\": %.0f, " \
			"\"cpu_us\": %.0f, \"peak_kib\": %d, \"archive_bytes\": %.0f, \"tree\": %s}", sep, quoted(part[1]),
			quoted(part[2]), quoted(part[3]), count[key], wall[key], cpu[key], peak[key],
			size[part[2], kind_of(part[3])], quoted(tree[part[2], part[3]])
		sep = ","
	}
	printf "\n  ],\n  \"goals\": ["
	for (i = 1; i <= n_verdicts; i++)
		printf "%s\n    {\"what\": %s, \"is\": %s, \"goal\": %s, \"got\": %.3f, \"reached\": %s, \"note\": %s}",
			comma(i), quoted(v_what[i]), quoted(v_how[i]), v_goal[i], v_got[i],
			v_ok[i] ? "true" : "false", quoted(v_note[i])
	print "\n  ]\n}"
}

END {
	kinds["xz"] = "xz -6"
	kinds["xzblocks"] = "xz 24 MiB blocks"
	kinds["pixz"] = "pixz"
	kinds["zst3"] = "zstd -3"
	kinds["zst19"] = "zstd -19 --long"
	kinds["pzstd"] = "pzstd -3"
	kinds["squashfs"] = "squashfs zstd"
	kinds["erofs"] = "erofs lz4hc"
	kinds["own19"] = "own -19"
	kinds["own3"] = "own -3"
	shapes[2] = "two processors"
	shapes[1] = "one processor"
	shapes["half"] = "half a processor"
	shapes["slow"] = "slow volume"
	for (key in count) {
		wall[key] = median(walls, key, count[key])
		cpu[key] = median(cpus, key, count[key])
	}
	verdicts()
	if (form == "json") {
		json()
		exit
	}
	text_facts()
	n = split("2 1 half slow", shape_list, " ")
	for (i = 1; i <= n; i++)
		for (j = 1; j <= n_corpora; j++) text_table(shape_list[i], corpora[j])
	text_verdicts()
	text_first()
}
