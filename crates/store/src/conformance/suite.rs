//! Every behaviour by its name.

/// Expands to one `#[tokio::test]` per behaviour, named after it. The argument makes a [`Harness`], anew for each test:
///
/// ```text
/// mod conformance {
///     store::conformance_tests!(crate::TempFiles);
/// }
/// ```
#[macro_export]
macro_rules! conformance_tests {
    ($harness:expr) => {
        $crate::conformance_tests! { @expand $harness;
            applying {
                a_user_is_created
                a_user_is_created_inactive
                null_is_not_absent
                every_attribute_is_written
                a_user_is_linked
                a_user_is_deactivated
                a_user_is_reactivated
                whatever_deactivates_is_counted
                an_empty_plan_is_applied
                batches_come_in_order
                the_size_of_batches_does_not_matter
                another_tenants_twin_is_left_alone
                connections_have_their_own_external_ids
                applied_changes_are_counted
                a_large_batch_is_applied
            }
            audit {
                what_cannot_be_told_is_not_done
                what_cannot_be_read_can_be_deleted
                an_entry_stays_as_it_is
                nothing_secret_is_told
                entries_are_paged_newest_first
                entries_are_filtered
                entries_are_the_tenants_own
            }
            audited {
                a_tenant_is_told_of
                tokens_are_told_of
                connections_are_told_of
                credentials_are_told_of
                directory_users_are_told_of
                links_are_told_of
                runs_are_told_of
                reviews_are_told_of
            }
            cancel {
                a_queued_run_is_cancelled
                a_run_is_cancelled_while_pulling
                a_run_is_cancelled_while_applying
                a_run_that_nobody_works_on_is_cancelled
                an_approved_run_is_cancelled
                cancelling_twice_changes_nothing
                only_an_active_run_is_cancelled
                cancelling_is_the_tenants_own
            }
            census {
                an_empty_store_has_a_census
                the_queue_is_counted_over_all_tenants
                the_oldest_wait_is_of_a_run_that_nobody_began
                connections_are_counted_by_state
            }
            connections {
                a_connection_reads_as_it_was_registered
                a_plain_connection_has_nothing_optional
                a_credential_is_kept_byte_for_byte
                connections_are_paged_oldest_first
                connections_are_the_tenants_own
                a_run_quarantines_its_connection
                a_run_lifts_a_quarantine
                a_paused_connection_stays_paused
                a_connection_is_updated
                an_update_of_what_has_moved_is_refused
                updates_can_be_told_apart
                an_update_of_the_rules_supersedes_a_held_plan
                an_update_of_the_rules_has_a_run_planned_anew
                a_connection_is_paused_and_goes_on
                a_quarantine_outlasts_an_update
                updates_are_the_tenants_own
            }
            continuations {
                a_place_moves_with_the_runs_end
                a_place_outlives_the_worker
                a_place_waits_for_all_of_the_plan
                a_reviewed_plan_leaves_no_place
                unlinking_drops_the_place
                linking_amid_a_run_drops_the_place
                other_rules_drop_the_place
                a_deleted_connections_place_is_gone
                places_are_the_tenants_own
            }
            credentials {
                a_credential_is_replaced
                a_credential_that_works_lifts_a_quarantine
                credentials_are_the_tenants_own
                a_credential_for_what_has_moved_is_refused
                a_run_quarantines_no_newer_credential
                every_credential_is_walked_once
                every_credential_that_ends_is_walked_once
                clouds_are_told_once
                a_credential_is_resealed
            }
            entangled {
                two_users_swap_addresses
                three_users_rotate_addresses
                addresses_move_along_a_chain
                a_newcomer_takes_a_freed_address
                entangled_changes_are_one_batch
                a_wholly_entangled_plan_is_one_batch
                a_swap_is_not_repeated
                a_stale_member_breaks_the_circle
                a_stale_member_stops_those_behind_it
                a_rejected_member_breaks_the_swap
                an_outsider_takes_a_chains_end
                nobody_keeps_a_stand_in
            }
            events {
                an_applied_change_is_one_event
                what_was_not_applied_is_not_told
                where_nothing_changes_nothing_is_told
                entangled_changes_are_told_first
                each_run_ends_once
                events_outlive_their_connection
                a_held_plan_is_told
                a_quarantine_is_told_once
                links_by_hand_are_told
                events_are_the_tenants_own
            }
            feed {
                pages_of_any_size_tell_the_same
                events_are_filtered_by_kind
                the_end_of_the_feed_is_a_place_to_begin
                old_events_are_deleted
                who_missed_something_is_told
                old_events_of_many_tenants_go_together
                a_place_within_what_was_deleted_is_gone
                a_place_that_never_was_is_gone
                changes_stay_with_their_events
                what_is_not_known_is_passed_over
                replaying_tells_the_users
            }
            giving_way {
                an_active_run_comes_before_the_schedule
                a_dry_run_only_delays_a_start
                an_approved_plan_only_delays_a_start
                a_scheduled_run_supersedes_a_held_one
                a_decision_puts_the_schedule_back
                a_held_plans_time_outlasts_an_update
            }
            history {
                every_outcome_is_told
                changes_are_filtered_by_outcome
                changes_are_filtered_by_action
                changes_are_paged_by_position
                changes_are_the_tenants_own
            }
            leases {
                the_oldest_run_is_claimed_first
                a_free_run_is_claimed_by_its_id
                each_run_is_claimed_once
                one_of_many_gets_the_run
                a_passed_lease_is_taken_over
                a_lease_is_renewed
                a_lost_lease_writes_nothing
                a_lease_ends_with_its_work
                a_released_run_is_queued
                a_run_given_back_goes_on_applying
                a_draft_is_its_runs_alone
                a_draft_that_cannot_be_read_fails_its_run
                a_run_without_its_connection_fails
                a_run_that_cannot_be_read_holds_up_no_other
                claims_in_vain_are_counted
            }
            pauses {
                a_directory_is_left_alone
                the_longest_wait_counts
            }
            plan {
                a_plan_goes_on_to_applying
                a_plan_is_held
                a_dry_run_ends_planned
                an_incomplete_plan_is_not_applied
                a_failed_run_says_why
                an_end_without_a_plan_leaves_no_changes
                an_ended_run_keeps_its_counts
            }
            queue {
                a_queued_run_reads_back
                a_run_needs_a_connection
                a_second_run_answers_with_the_active_one
                many_ask_and_one_is_queued
                an_ended_run_makes_room
                a_new_run_supersedes_a_held_one
                a_dry_run_supersedes_nothing
                ended_runs_are_not_superseded
                runs_are_paged_newest_first
                a_history_is_of_a_connection_that_is_there
                last_runs_are_one_per_connection
                runs_are_the_tenants_own
            }
            reconnect {
                a_deleted_connection_is_gone
                what_a_connection_did_outlives_it
                a_running_run_ends_with_its_connection
                applying_ends_with_the_connection
                waiting_runs_end_with_their_connection
                a_registered_directory_governs_its_users_again
                who_has_users_comes_first
                a_second_registration_inherits_the_users
                another_groups_users_are_a_new_scope
                an_id_in_use_is_a_conflict
                the_same_group_comes_first
                the_last_deleted_comes_next
                another_directory_is_no_former_one
                deletions_are_the_tenants_own
            }
            retention {
                old_changes_go_in_small_batches
                runs_without_changes_are_passed_over
                younger_runs_keep_their_changes
                a_run_that_has_not_ended_keeps_its_changes
                twins_grow_old_by_themselves
            }
            review {
                an_approved_plan_is_applied
                only_what_was_chosen_is_applied
                a_rejection_outlives_a_worker
                another_plan_is_not_approved
                positions_that_mean_nothing_are_named
                something_has_to_be_chosen
                only_a_held_plan_is_reviewed
                a_superseded_plan_is_over
                an_active_run_comes_first
                a_reviewed_user_who_moved_on_is_stale
                whoever_is_ignored_meanwhile_is_left_alone
                half_a_swap_changes_nobody
                a_rejected_plan_is_over
                a_large_choice_is_one_call
                reviews_are_the_tenants_own
            }
            rivals {
                rivals_read_back
                a_refusal_names_its_rival
                a_refusal_keeps_the_changes_own_rival
                a_split_off_conflict_has_the_rival
                a_rival_is_as_it_was_staged
                a_rival_is_of_the_same_plan
            }
            schedules {
                a_schedule_has_a_next_time
                who_is_due_is_told_once
                a_due_connection_gets_its_run
                many_look_and_one_starts
                missed_times_run_once
                a_paused_connection_is_not_due
                another_schedule_is_planned_anew
                an_unreadable_schedule_is_left_alone
                what_is_unplanned_is_planned
            }
            schema {
                an_empty_database_fails_the_check
                migrating_twice_changes_nothing
                several_migrate_at_once
                a_database_is_examined
            }
            setbacks {
                a_quarantine_is_tried_again
                a_lifted_quarantine_puts_the_schedule_back
                a_setback_is_tried_again_soon
                a_dry_run_is_no_setback
            }
            settling {
                a_user_is_linked_by_hand
                linking_twice_writes_nothing
                a_plan_from_before_a_link_is_stale
                a_link_needs_its_two_ends
                a_linked_user_keeps_its_link
                a_directory_user_is_linked_once
                only_a_conflict_is_settled
                only_the_newest_plan_tells_who_is_there
                a_user_is_unlinked
                linking_keeps_the_provenance
                linking_is_the_tenants_own
                a_directory_user_is_ignored
                ignored_users_are_paged_by_bytes
                ignoring_is_the_connections_own
            }
            sharing {
                many_runs_do_not_starve_another_tenants
                the_tenant_with_the_fewest_comes_first
                a_tenant_has_so_many_places
                a_directory_has_so_many_places
                a_run_taken_up_has_its_place
                a_run_claimed_by_its_id_takes_a_place
                a_tenants_limit_holds_whoever_asks
                a_directorys_limit_holds_whoever_asks
            }
            staging {
                staged_changes_read_back
                a_page_of_a_thousand_is_staged
                retractions_come_first
                pages_are_staged_side_by_side
                a_page_is_staged_as_a_whole
                a_cleared_plan_is_gone
                an_applied_plan_is_not_cleared
                a_change_is_refused
                an_address_is_split_off
                a_split_change_counts_once
                a_plan_is_amended_in_one_step
                plans_do_not_mix
            }
            staleness {
                a_written_user_is_stale
                a_deleted_user_is_stale
                a_taken_address_is_not_given_again
                a_creation_with_a_taken_address_is_stale
                a_creation_of_a_linked_user_is_stale
                a_stale_creation_stops_no_other
                a_link_to_a_linked_user_is_stale
                a_linked_user_is_not_linked_again
                ones_own_address_is_not_taken
                staleness_cascades_in_a_batch
                a_stale_change_can_be_planned_again
                the_last_of_a_protected_role_is_not_deactivated
            }
            tenants {
                a_tenant_is_found_by_its_slug_and_its_id
                tenants_are_listed_by_slug
                a_slug_in_use_is_a_conflict
                a_token_is_found_by_its_hash
                an_expired_token_is_not_usable
                a_revoked_token_is_not_usable
                the_last_use_of_a_token_is_noted
                tokens_are_listed_oldest_first
                tokens_are_the_tenants_own
            }
            users {
                a_plain_row_has_defaults
                times_of_plain_sql_are_read
                odd_text_is_kept
                users_are_found_by_external_id
                users_are_found_by_email
                a_thousand_keys_are_one_question
                active_linked_users_are_walked_once
                a_linked_user_is_as_its_row
                linked_users_are_told_of_once
                facts_count_active_users
                facts_leave_ignored_users_out
                users_are_filtered
                users_are_paged_by_id
                users_are_the_tenants_own
            }
            webhooks {
                a_webhook_reads_as_it_was_made
                a_tenant_has_so_many_webhooks
                webhooks_are_the_tenants_own
                a_webhook_is_changed
                a_webhook_is_deleted
                webhooks_are_told_of
                kinds_of_a_newer_program_stay
                secrets_sign_until_they_end
                every_webhook_secret_is_walked_once
                a_webhook_secret_is_resealed
                a_webhook_is_one_senders_at_a_time
                a_lost_lease_notes_nothing
                a_short_lease_passes
                an_unreadable_webhook_holds_up_no_other
                only_who_has_something_to_send_is_taken
                with_many_messages_pending_the_feed_waits
                a_round_moves_the_cursor_that_it_read
                failures_are_listed
                messages_are_replayed
                old_deliveries_are_deleted
                tenants_take_turns
                who_is_called_late_waits_for_one_round
                a_tenant_has_so_many_of_its_webhooks_sent_to
                a_replay_makes_it_the_tenants_turn
                enabling_makes_it_the_tenants_turn
                deleting_events_makes_it_the_tenants_turn
                an_event_makes_it_its_tenants_turn
            }
            writers {
                an_update_moves_the_version
                an_update_of_many_moves_each_version
                a_persons_deactivation_has_no_provenance
                a_persons_activation_clears_the_provenance
                other_updates_keep_the_provenance
                addresses_are_unique_in_a_tenant
                rows_that_make_no_sense_are_refused
                users_can_be_deleted
            }
        }
    };
    (@expand $harness:expr; $($module:ident { $($behaviour:ident)* })*) => {
        $($(
            #[tokio::test]
            async fn $behaviour() {
                $crate::conformance::$module::$behaviour(&$harness).await;
            }
        )*)*
    };
}

#[cfg(test)]
mod tests {
    /// A behaviour that the macro forgets would pass without being run.
    #[test]
    fn the_macro_names_every_behaviour() {
        let listed = include_str!("suite.rs");
        let modules = [
            ("applying", include_str!("applying.rs")),
            ("audit", include_str!("audit.rs")),
            ("audited", include_str!("audited.rs")),
            ("cancel", include_str!("cancel.rs")),
            ("census", include_str!("census.rs")),
            ("connections", include_str!("connections.rs")),
            ("continuations", include_str!("continuations.rs")),
            ("credentials", include_str!("credentials.rs")),
            ("entangled", include_str!("entangled.rs")),
            ("events", include_str!("events.rs")),
            ("feed", include_str!("feed.rs")),
            ("giving_way", include_str!("giving_way.rs")),
            ("history", include_str!("history.rs")),
            ("leases", include_str!("leases.rs")),
            ("pauses", include_str!("pauses.rs")),
            ("plan", include_str!("plan.rs")),
            ("queue", include_str!("queue.rs")),
            ("reconnect", include_str!("reconnect.rs")),
            ("retention", include_str!("retention.rs")),
            ("review", include_str!("review.rs")),
            ("rivals", include_str!("rivals.rs")),
            ("schedules", include_str!("schedules.rs")),
            ("schema", include_str!("schema.rs")),
            ("setbacks", include_str!("setbacks.rs")),
            ("settling", include_str!("settling.rs")),
            ("sharing", include_str!("sharing.rs")),
            ("staging", include_str!("staging.rs")),
            ("staleness", include_str!("staleness.rs")),
            ("tenants", include_str!("tenants.rs")),
            ("users", include_str!("users.rs")),
            (
                "webhooks",
                concat!(
                    include_str!("webhooks/settings.rs"),
                    include_str!("webhooks/secrets.rs"),
                    include_str!("webhooks/leasing.rs"),
                    include_str!("webhooks/deliveries.rs"),
                    include_str!("webhooks/turns.rs"),
                ),
            ),
            ("writers", include_str!("writers.rs")),
        ];
        assert_eq!(
            include_str!("mod.rs").matches("\npub mod ").count(),
            modules.len(),
            "a module is missing in this test"
        );
        for (module, source) in modules {
            let block = listed.split_once(&format!(" {module} {{")).unwrap().1.split_once('}').unwrap().0;
            let named: Vec<&str> = block.split_whitespace().collect();
            let written: Vec<&str> =
                source.split("\npub async fn ").skip(1).map(|rest| rest.split_once('(').unwrap().0).collect();
            assert!(!written.is_empty());
            assert_eq!(named, written, "{module}");
        }
    }
}
