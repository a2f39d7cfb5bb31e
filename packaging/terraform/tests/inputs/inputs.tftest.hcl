# What the module takes and what it refuses; variables.tf here is the module's own.

variables {
  tenant   = "acme"
  auditors = ["arn:aws:iam::111122223333:role/audit"]
  sites = {
    osaka-1 = { principals = ["arn:aws:iam::111122223333:role/machine"], external_id = "karakuri-osaka-1" }
  }
}

run "what_is_right_is_taken" {
  command = plan

  variables {
    replica = {
      bucket_arn = "arn:aws:s3:::acme-copies"
      key_arn    = "arn:aws:kms:ap-northeast-1:111122223333:key/6f0c7a52-0000-4000-8000-000000000000"
      account    = "111122223333"
    }
    schedules = { nightly = { expression = "cron(0 2 * * ? *)", timezone = "Asia/Tokyo", message = "{}" } }
  }
}

run "a_tenant_is_no_name_with_capitals" {
  command = plan

  variables {
    tenant = "Acme"
  }

  expect_failures = [var.tenant]
}

run "a_tenant_fits_into_names_of_buckets" {
  command = plan

  variables {
    tenant = "a123456789012345678901234567890"
  }

  expect_failures = [var.tenant]
}

run "a_tenant_without_a_site_is_refused" {
  command = plan

  variables {
    sites = {}
  }

  expect_failures = [var.sites]
}

run "a_sites_name_is_a_label" {
  command = plan

  variables {
    sites = { Osaka = { principals = ["arn:aws:iam::111122223333:role/machine"], external_id = "karakuri" } }
  }

  expect_failures = [var.sites]
}

run "a_role_is_not_lent_to_everybody" {
  command = plan

  variables {
    sites = { osaka-1 = { principals = ["*"], external_id = "karakuri" } }
  }

  expect_failures = [var.sites]
}

run "a_role_is_not_lent_to_an_account" {
  command = plan

  variables {
    sites = { osaka-1 = { principals = ["arn:aws:iam::111122223333:root"], external_id = "karakuri" } }
  }

  expect_failures = [var.sites]
}

run "a_role_is_lent_to_somebody" {
  command = plan

  variables {
    sites = { osaka-1 = { principals = [], external_id = "karakuri" } }
  }

  expect_failures = [var.sites]
}

run "an_external_id_has_no_quotes" {
  command = plan

  variables {
    sites = { osaka-1 = { principals = ["arn:aws:iam::111122223333:role/machine"], external_id = "kara\"kuri" } }
  }

  expect_failures = [var.sites]
}

run "sites_do_not_share_an_external_id" {
  command = plan

  variables {
    sites = {
      kobe-1  = { principals = ["arn:aws:iam::111122223333:role/machine"], external_id = "karakuri" }
      osaka-1 = { principals = ["arn:aws:iam::111122223333:role/machine"], external_id = "karakuri" }
    }
  }

  expect_failures = [var.sites]
}

run "somebody_is_an_auditor" {
  command = plan

  variables {
    auditors = []
  }

  expect_failures = [var.auditors]
}

run "an_auditor_is_not_an_account" {
  command = plan

  variables {
    auditors = ["arn:aws:iam::111122223333:root"]
  }

  expect_failures = [var.auditors]
}

run "a_session_is_an_hour_at_most" {
  command = plan

  variables {
    session_minutes = 61
  }

  expect_failures = [var.session_minutes]
}

run "audit_is_kept_as_long_as_runs" {
  command = plan

  variables {
    retention_days = { evidence = 10, output = 5, pii = 5, event = 1, audit = 5 }
  }

  expect_failures = [var.retention_days]
}

run "a_lock_is_a_day_at_least" {
  command = plan

  variables {
    lock_days = 0
  }

  expect_failures = [var.lock_days]
}

run "a_version_stays_a_day_at_least" {
  command = plan

  variables {
    deleted_days = 0
  }

  expect_failures = [var.deleted_days]
}

run "a_key_is_not_an_alias" {
  command = plan

  variables {
    replica = {
      bucket_arn = "arn:aws:s3:::acme-copies"
      key_arn    = "arn:aws:kms:ap-northeast-1:111122223333:alias/copies"
      account    = "111122223333"
    }
  }

  expect_failures = [var.replica]
}

run "a_schedule_is_an_expression" {
  command = plan

  variables {
    schedules = { nightly = { expression = "every night", message = "{}" } }
  }

  expect_failures = [var.schedules]
}
