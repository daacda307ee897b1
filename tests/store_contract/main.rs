//! The contract that every store keeps, each promise of `src/store/mod.rs` a test named for it.
//!
//! A promise is a function over a [`Place`](support::place::Place), in the file of its topic; the list below runs each
//! of them against each store (`sqlite::…`, `redis::…`). What only one kind of store can show (its files, its process)
//! stands in a file of that store.

#![expect(clippy::disallowed_methods, reason = "a test waits for the tasks that it starts")]

#[path = "../support/mod.rs"]
mod support;

mod changed;
mod conflicts;
mod cut;
mod deletion;
mod due;
mod filters;
mod follow;
mod history;
mod keys;
mod log;
mod model;
mod order;
mod pages;
mod positions;
mod restart;
mod retention;
mod sqlite_file;
mod tokens;
mod trim;
mod whole;

/// Makes a test of each promise, kept in `$place`.
macro_rules! tests {
    ($place:ty: $($topic:ident { $($promise:ident,)* })*) => {
        $(mod $topic {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                let place = <$place as crate::support::place::Place>::new().await;
                crate::$topic::$promise(&place).await;
            })*
        })*
    };
}

/// All promises. One that is missing here is told by the compiler as a function never used.
macro_rules! held_by {
    ($place:ty) => {
        tests! { $place:
            order {
                creating_a_feed_is_its_first_change,
                a_feed_that_exists_is_left_as_it_is,
                all_feeds_are_told_by_id,
                seq_grows_by_one_and_carries_the_given_mark,
                born_and_last_seq_are_set_by_the_store,
                concurrent_commits_get_every_seq_once,
                one_editor_wins_where_many_edit_the_same_version,
                a_refused_commit_changes_nothing,
                a_commit_dropped_half_way_happened_whole_or_not_at_all,
                now_is_near_and_never_goes_back,
                a_fresh_store_is_healthy,
            }
            keys {
                the_same_request_again_changes_nothing_and_tells_what_it_did,
                the_same_request_many_times_at_once_is_carried_out_once,
                the_key_is_looked_at_before_everything_else,
                a_key_with_another_hash_is_refused,
                keys_of_different_tokens_and_feeds_never_meet,
                a_refused_commit_uses_no_key,
                what_a_key_stands_for_can_be_recalled,
                a_request_without_a_change_is_remembered,
                a_key_that_is_taken_stays_as_it_is,
            }
            conflicts {
                a_commit_to_no_feed_is_refused,
                an_item_that_is_there_cannot_be_published_again,
                an_edit_of_another_version_is_refused,
                what_was_judged_by_an_older_document_is_refused,
                an_alt_id_of_another_item_is_refused_by_its_name,
                an_alt_id_stays_its_items_own,
                a_taken_pin_is_refused_by_its_holder,
                a_pin_that_has_ended_can_be_taken,
                feeds_share_neither_alt_ids_nor_pins,
                version_alt_id_and_pin_are_looked_at_in_this_order,
            }
            positions {
                a_position_is_verified_by_its_mark,
                a_position_above_the_head_is_not_the_stores,
                a_feed_that_is_not_there_is_gone,
                a_position_below_the_floor_is_trimmed,
                the_first_change_comes_after_first,
                a_change_can_be_found_by_its_number,
                every_position_that_is_told_can_be_resumed_from,
            }
            changed {
                every_changed_item_comes_once_in_its_newest_form_and_order,
                the_feed_itself_comes_once_in_its_newest_form,
                nothing_has_changed_after_the_head,
                a_read_returns_no_more_items_than_its_budget,
                a_read_returns_no_more_bytes_than_its_budget,
                a_single_item_beyond_the_budget_still_comes,
                a_read_while_others_write_is_one_consistent_view,
            }
            log {
                the_log_tells_every_change_without_gaps,
                an_older_change_of_the_same_thing_is_superseded,
                a_part_of_the_log_keeps_to_its_budget,
            }
            pages {
                pages_go_by_published_and_id_downwards,
                a_page_says_whether_another_follows,
                pinned_items_come_first_and_are_not_counted,
                a_pin_that_has_ended_pins_nothing,
                what_is_hidden_is_left_out,
                a_feed_began_with_the_oldest_item_that_is_listed,
                a_page_keeps_to_its_budget,
                a_page_and_its_head_are_one_view,
                a_feed_that_is_not_there_has_no_page,
            }
            trim {
                trimming_raises_the_floor_and_keeps_the_items,
                at_least_one_change_is_kept,
                trimming_what_is_short_changes_nothing,
            }
            cut {
                a_cut_is_a_change_that_becomes_the_floor,
                positions_before_a_cut_are_not_the_stores,
                a_cut_is_told_once_however_many_notice,
                a_follower_that_knows_of_an_older_cut_is_not_believed,
                a_cut_that_the_store_went_back_behind_is_told_again,
                a_reader_is_believed_once_for_each_start,
                no_reader_is_believed_in_the_run_of_a_followers_cut,
                a_feed_that_is_not_there_is_not_cut,
            }
            history {
                every_version_is_kept_with_who_and_what,
                versions_come_in_parts,
                a_removal_erases_all_earlier_texts,
                what_ends_by_itself_is_on_the_due_list,
                removed_text_leaves_the_files,
                removed_text_leaves_the_files_by_itself,
                what_is_removed_beside_leaves_the_files_by_itself,
                what_was_removed_before_an_end_leaves_the_files_after_the_start,
                removed_text_of_many_small_items_leaves_the_files,
            }
            follow {
                a_follower_is_told_of_every_commit_in_order,
                two_followers_are_each_told_all,
                a_follower_is_told_of_what_is_committed_from_now_on,
                what_a_follower_is_told_of_can_be_read,
                a_commit_beside_is_told_of_within_a_second,
                a_follower_confirms_within_a_second_that_there_is_nothing_new,
            }
            restart {
                a_closed_store_opens_as_it_was,
                a_dropped_store_opens_as_it_was,
                an_old_position_resumes_before_anything_new_is_committed,
                a_store_of_a_newer_schema_is_refused,
                a_closed_store_refuses_plainly,
            }
            tokens {
                a_token_is_found_by_its_hash,
                a_name_is_given_once,
                all_tokens_are_told_by_name,
                a_revoked_token_is_still_told,
                a_token_made_or_revoked_beside_counts_at_once,
                the_latest_use_of_a_token_is_kept,
                a_revision_is_new_once_a_token_is_made_or_revoked,
                the_first_key_of_tickets_is_everybodys,
            }
            filters {
                a_filtered_read_has_what_may_ever_have_matched,
                a_filtered_read_looks_at_no_more_than_its_budget,
                the_feeds_own_change_is_not_lost_among_hidden_ones,
            }
            due {
                what_is_due_comes_soonest_first_from_all_feeds,
                what_is_due_goes_with_the_commit_that_ends_it,
                what_is_due_comes_in_parts,
            }
            retention {
                the_newest_listed_items_stay_and_others_go,
                the_id_of_an_item_that_is_kept_no_more_is_never_used_again,
                what_changed_lately_stays_however_old,
                an_old_change_above_a_young_one_goes_too,
                what_is_pinned_or_due_stays,
                an_alt_id_is_known_after_its_item_was_dropped,
                items_are_dropped_in_bounded_parts,
                what_keeps_everything_gives_nothing_up,
            }
            deletion {
                a_deleted_feed_is_gone_with_everything_in_it,
                a_feed_can_be_made_again_and_knows_nothing_of_the_first,
                a_follower_is_told_of_a_deletion,
                what_was_asked_of_a_feed_itself_is_remembered_beyond_its_deletion,
                the_bytes_of_a_deleted_feed_leave_the_files,
            }
            model {
                a_walk_through_what_changed_ends_as_a_small_model_does,
            }
        }
    };
}

mod sqlite {
    held_by!(crate::support::place::SqlitePlace);
}

mod redis {
    held_by!(crate::support::redis_place::RedisPlace);
}
