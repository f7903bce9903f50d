"""Finds duplicates with Splink. usage: splink_peer.py PEOPLE.csv CLUSTERS.csv REVIEW.csv --model usual|place|household [--no-ssn]

Three ways to describe people to it, from what its documentation shows to the best that we found by trying on families:

usual      the comparisons of Splink's own Febrl example, trained on blocks of surname and of birth date
place      names that may be swapped, finer birth dates, and the address as one hand-made comparison whose levels are joint
household  as place, with the surname inside that comparison too, so that a household is one observation

CLUSTERS.csv gets rec_id,cluster at a probability of 0.99; REVIEW.csv the pairs from 0.5 that no cluster holds. The last
line printed is JSON.
"""

import argparse
import json
import logging

import duckdb
import splink
import splink.comparison_level_library as cll
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

AUTO, REVIEW = 0.99, 0.5
SWAPPED = "given_name_l = surname_r AND surname_l = given_name_r"
STREET = "jaro_winkler_similarity(address_1_l, address_1_r) >= 0.9"


def level(condition):
    return cll.CustomLevel(condition, label_for_charts=condition)


def joint(name, absent, *conditions):
    nothing = " AND ".join(f"({column}_l IS NULL OR {column}_r IS NULL)" for column in absent)
    levels = [level(nothing).configure(is_null_level=True), *map(level, conditions), cll.ElseLevel()]
    return cl.CustomComparison(output_column_name=name, comparison_levels=levels)


def name(column):
    return cl.CustomComparison(
        output_column_name=column,
        comparison_levels=[
            cll.NullLevel(column),
            cll.ExactMatchLevel(column, term_frequency_adjustments=True),
            level(SWAPPED),
            cll.JaroWinklerLevel(column, 0.92),
            cll.JaroWinklerLevel(column, 0.85),
            cll.ElseLevel(),
        ],
    )


def birth():
    column = "date_of_birth"
    def part(start, length, side):
        return f"substr({column}_{side}, {start}, {length})"

    year = f"{part(1, 4, 'l')} = {part(1, 4, 'r')}"
    month_and_day = f"{part(5, 2, 'l')} = {part(7, 2, 'r')} AND {part(7, 2, 'l')} = {part(5, 2, 'r')}"
    return cl.CustomComparison(
        output_column_name=column,
        comparison_levels=[
            cll.NullLevel(column),
            cll.ExactMatchLevel(column),
            cll.DamerauLevenshteinLevel(column, 1),
            level(f"{year} AND {month_and_day}"),
            cll.DamerauLevenshteinLevel(column, 2),
            cll.ElseLevel(),
        ],
    )


def usual():
    return [
        cl.NameComparison("given_name"),
        cl.NameComparison("surname"),
        cl.DateOfBirthComparison("date_of_birth", input_is_string=True, datetime_format="%Y%m%d", invalid_dates_as_null=False),
        cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
        cl.JaroWinklerAtThresholds("address_1", [0.9, 0.7]).configure(term_frequency_adjustments=True),
        cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(term_frequency_adjustments=True),
        cl.JaroWinklerAtThresholds("suburb", [0.9]),
    ]


def place():
    address = joint(
        "place",
        ("address_1", "postcode"),
        "street_number_l = street_number_r AND address_1_l = address_1_r AND postcode_l = postcode_r",
        f"street_number_l = street_number_r AND {STREET}",
        "address_1_l = address_1_r",
        STREET,
        "postcode_l = postcode_r AND suburb_l = suburb_r",
        "postcode_l = postcode_r OR suburb_l = suburb_r",
    )
    return [name("given_name"), name("surname"), birth(), address]


def household():
    same, similar = "surname_l = surname_r", "jaro_winkler_similarity(surname_l, surname_r) >= 0.88"
    door, near = f"street_number_l = street_number_r AND {STREET}", f"({STREET} OR postcode_l = postcode_r)"
    both = joint(
        "household",
        ("surname", "address_1", "postcode"),
        f"{same} AND {door}",
        f"{similar} AND {door}",
        f"{same} AND {near}",
        f"{similar} AND {near}",
        SWAPPED,
        door,
        same,
        STREET,
        similar,
        "postcode_l = postcode_r",
    )
    return [name("given_name"), birth(), both]


MODELS = {"usual": usual, "place": place, "household": household}


def settings(model, ssn):
    number = [cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2])] if ssn else []
    blocks = [
        block_on("given_name", "surname"),
        block_on("surname", "date_of_birth"),
        block_on("given_name", "date_of_birth"),
        block_on("substr(given_name,1,3)", "substr(surname,1,3)", "substr(date_of_birth,1,4)"),
        block_on("given_name", "postcode"),
        block_on("surname", "postcode"),
        block_on("date_of_birth", "postcode"),
        block_on("street_number", "address_1"),
        block_on("surname", "address_1"),
        block_on("date_of_birth", "suburb"),
    ] + ([block_on("soc_sec_id")] if ssn else [])
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="rec_id",
        comparisons=MODELS[model]() + number,
        blocking_rules_to_generate_predictions=blocks,
        retain_matching_columns=False,
    )


def train(linker, model, ssn):
    sure = [block_on("given_name", "surname", "date_of_birth")]
    blocks = {
        "usual": [block_on("surname"), block_on("date_of_birth")],
        "place": [
            block_on("given_name", "surname", "postcode"),
            block_on("given_name", "date_of_birth"),
            block_on("surname", "date_of_birth"),
        ],
        "household": [block_on("given_name", "surname"), block_on("date_of_birth")],
    }[model]
    if ssn:
        sure.append(block_on("soc_sec_id"))
        blocks.append(block_on("soc_sec_id"))
    linker.training.estimate_probability_two_random_records_match(sure, recall=0.98 if ssn else 0.3)
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
    for block in blocks:  # all pairs of a block: the default of 1% of the records leaves small sets without any
        linker.training.estimate_parameters_using_expectation_maximisation(block, record_sample_proportion=1.0)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("people")
    options.add_argument("clusters")
    options.add_argument("review")
    options.add_argument("--model", choices=MODELS, required=True)
    options.add_argument("--no-ssn", action="store_true")
    options.add_argument("--threads", type=int, default=2)
    given = options.parse_args()
    logging.getLogger("splink").setLevel(logging.ERROR)

    con = duckdb.connect()
    con.execute(f"SET threads = {given.threads}")
    con.execute(f"CREATE TABLE people AS SELECT * FROM read_csv('{given.people}', header = true, all_varchar = true, nullstr = '')")
    api = DuckDBAPI(con)
    linker = Linker(api.register("people"), settings(given.model, not given.no_ssn), log_level=logging.ERROR)
    train(linker, given.model, not given.no_ssn)
    found = linker.inference.predict()
    edges = found.physical_name
    expected, candidates = con.execute(f"SELECT sum(match_probability), count(*) FROM {edges}").fetchall()[0]
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(found, threshold_match_probability=AUTO)
    of = clusters.physical_name
    con.execute(f"COPY (SELECT rec_id, cluster_id FROM {of}) TO '{given.clusters}' (HEADER)")
    con.execute(f"""COPY (SELECT rec_id_l, rec_id_r FROM {edges} JOIN {of} a ON a.rec_id = rec_id_l JOIN {of} b ON b.rec_id = rec_id_r
        WHERE match_probability >= {REVIEW} AND a.cluster_id <> b.cluster_id) TO '{given.review}' (HEADER)""")
    print(json.dumps({
        "tool": f"Splink {splink.__version__}, DuckDB {duckdb.__version__}",
        "expected": round(expected or 0),
        "candidates": candidates,
    }))


if __name__ == "__main__":
    main()
