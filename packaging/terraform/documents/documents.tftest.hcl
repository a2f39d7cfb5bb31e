# What Terraform makes of the templates is what the couriers ask for. No provider, no account.

variables {
  partition = "aws"
  account   = "111122223333"
  region    = "ap-northeast-3"
  tenant    = "acme"
  sites = {
    osaka-1 = {
      principals  = ["arn:aws:iam::111122223333:role/machine-osaka-1"]
      external_id = "karakuri-osaka-1"
    }
    kobe-1 = {
      principals  = ["arn:aws:iam::111122223333:role/machine-kobe-1"]
      external_id = "karakuri-kobe-1"
    }
  }
  auditors        = ["arn:aws:iam::111122223333:role/audit"]
  erasers         = ["arn:aws:iam::111122223333:role/privacy"]
  session_minutes = 15
  bucket          = "karakuri-acme-111122223333"
  audit_bucket    = "karakuri-acme-111122223333-audit"
  retention_days  = { evidence = 180, output = 120, pii = 30, event = 14, audit = 2557 }
  key_arn         = "arn:aws:kms:ap-northeast-3:111122223333:key/6f0c7a52-0000-4000-8000-000000000000"
  queue_arns = {
    jobs        = "arn:aws:sqs:ap-northeast-3:111122223333:karakuri-acme-jobs"
    jobs-dead   = "arn:aws:sqs:ap-northeast-3:111122223333:karakuri-acme-jobs-dead"
    events      = "arn:aws:sqs:ap-northeast-3:111122223333:karakuri-acme-events"
    events-dead = "arn:aws:sqs:ap-northeast-3:111122223333:karakuri-acme-events-dead"
  }
}

run "roles_and_sites_are_what_the_couriers_ask_for" {
  command = plan

  assert {
    condition = [
      for statement in jsondecode(replace(output.upload, "$${aws:PrincipalTag/site}", "osaka-1")).Statement :
      { for key, value in statement : key => value if key != "Sid" }
    ] == jsondecode(file("../../../agent/courier/tests/policies/upload.json")).Statement
    error_message = "the role of uploads and the policy of its sessions differ"
  }

  assert {
    condition = [
      for statement in jsondecode(replace(output.keys, "$${aws:PrincipalTag/site}", "osaka-1")).Statement :
      { for key, value in statement : key => value if key != "Sid" }
    ] == jsondecode(file("../../../agent/courier/tests/policies/keys.json")).Statement
    error_message = "the role of data keys and the policy of its sessions differ"
  }

  assert {
    condition     = output.site_toml["osaka-1"] == file("../../../agent/courier/tests/policies/site.toml")
    error_message = "the site.toml that is printed is not the one that the agent is tested with"
  }

  assert {
    condition     = length(jsondecode(output.trust).Statement) == 4
    error_message = "each site borrows its roles by statements of its own"
  }

  assert {
    condition     = output.lifecycle.tag == jsondecode(file("../../../agent/courier/tests/policies/tags.json")).tag
    error_message = "the lifecycle rules go by another tag than the courier writes"
  }

  assert {
    condition     = output.lifecycle.days == { evidence = 180, output = 120, pii = 30, event = 14, manifest = 2557 }
    error_message = "the lifecycle rules are not those of retention_days"
  }
}
