# Each through jsondecode, so that a template that is no JSON is noticed before anything is made.

output "upload" {
  description = "What the role of uploads may do."
  value = jsonencode(jsondecode(templatefile(
    "${local.policies}/upload.json.tftpl", merge(local.names, { key_arn = var.key_arn })
  )))
}

output "keys" {
  description = "What the role of data keys may do."
  value = jsonencode(jsondecode(templatefile(
    "${local.policies}/keys.json.tftpl", merge(local.names, { key_arn = var.key_arn })
  )))
}

output "auditor" {
  description = "What the auditor's role may do."
  value = jsonencode(jsondecode(templatefile(
    "${local.policies}/auditor.json.tftpl", merge(local.names, { key_arn = var.key_arn })
  )))
}

output "eraser" {
  description = "What the role of those who erase may do."
  value = jsonencode(jsondecode(templatefile(
    "${local.policies}/eraser.json.tftpl", merge(local.names, { key_arn = var.key_arn })
  )))
}

output "replication" {
  description = "What the role of replication may do."
  value = jsonencode(jsondecode(templatefile(
    "${local.policies}/replication.json.tftpl", merge(local.names, {
      key_arn = var.key_arn
      destinations = concat(
        ["arn:${var.partition}:s3:::${var.audit_bucket}/*"],
        var.replica == null ? [] : ["${var.replica.bucket_arn}/*"],
      )
      destination_keys = concat([var.key_arn], var.replica == null ? [] : [var.replica.key_arn])
    })
  )))
}

output "scheduler" {
  description = "What the role of the scheduler may do."
  value = jsonencode(jsondecode(templatefile("${local.policies}/scheduler.json.tftpl", {
    queues = [var.queue_arns["jobs"], var.queue_arns["jobs-dead"]]
  })))
}

output "trust" {
  description = "Who may borrow the roles of the couriers."
  value       = jsonencode({ Version = "2012-10-17", Statement = local.trust })
}

output "trust_auditor" {
  description = "Who may borrow the auditor's role."
  value = jsonencode(jsondecode(templatefile(
    "${local.policies}/trust-auditor.json.tftpl", { auditors = var.auditors }
  )))
}

output "trust_eraser" {
  description = "Who may borrow the role of those who erase."
  value = jsonencode(jsondecode(templatefile(
    "${local.policies}/trust-auditor.json.tftpl", { auditors = var.erasers }
  )))
}

output "trust_replication" {
  description = "S3 may borrow the role of replication."
  value       = jsonencode(jsondecode(templatefile("${local.policies}/trust-replication.json.tftpl", {})))
}

output "trust_scheduler" {
  description = "EventBridge Scheduler may borrow its role."
  value       = jsonencode(jsondecode(templatefile("${local.policies}/trust-scheduler.json.tftpl", local.names)))
}

output "key" {
  description = "The policy of the tenant's key."
  value = jsonencode(jsondecode(templatefile(
    "${local.policies}/key.json.tftpl", merge(local.names, {
      sites   = local.sites
      openers = local.openers
      writers = local.writers
    })
  )))
}

output "bucket" {
  description = "The policy of the bucket."
  value = jsonencode(jsondecode(templatefile(
    "${local.policies}/bucket.json.tftpl", merge(local.names, { key_arn = var.key_arn })
  )))
}

output "audit_bucket" {
  description = "The policy of the bucket that takes copies of audit/."
  value       = jsonencode(jsondecode(templatefile("${local.policies}/audit-bucket.json.tftpl", local.names)))
}

output "queues" {
  description = "The policy of each queue."
  value = {
    for name, arn in var.queue_arns : name => jsonencode(jsondecode(templatefile(
      "${local.policies}/${name == "events" ? "events-queue" : "queue"}.json.tftpl",
      merge(local.names, { queue_arn = arn })
    )))
  }
}

output "endpoints" {
  description = "The policies of VPC endpoints, by service."
  value = {
    for service in ["s3", "sts", "kms", "sqs"] : service => jsonencode(jsondecode(templatefile(
      "${local.policies}/endpoint-${service}.json.tftpl", merge(local.names, {
        key_arn    = var.key_arn
        principals = local.principals
        queue_arn  = var.queue_arns["jobs"]
      })
    )))
  }
}

output "lifecycle" {
  description = "The tag of objects that tells what is sealed in them, and how long those with each value are kept."
  value = jsondecode(templatefile("${path.module}/lifecycle.json.tftpl", {
    for class, days in var.retention_days : "${class}_days" => days
  }))
}

output "site_toml" {
  description = "/etc/karakuri/site.toml of each site."
  value = {
    for site in local.sites : site => templatefile("${path.module}/site.toml.tftpl", merge(local.names, {
      site            = site
      key_arn         = var.key_arn
      external_id     = var.sites[site].external_id
      session_minutes = var.session_minutes
    }))
  }
}
