# What one tenant needs in one account and region. README.md says what and why.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  name         = "karakuri-${var.tenant}"
  account      = data.aws_caller_identity.current.account_id
  region       = data.aws_region.current.region
  bucket       = "${local.name}-${local.account}"
  audit_bucket = "${local.bucket}-audit"
  sites        = sort(keys(var.sites))
  # What is locked cannot expire: the lock has the last word, here and in audit.tf.
  audit_days = max(var.retention_days.audit, var.lock_days)
  tags         = merge(var.tags, { "karakuri:tenant" = var.tenant })
}

# Its outputs are told apart by Terraform: the key's policy is made before the key, the others after.
module "documents" {
  source = "./documents"

  partition       = data.aws_partition.current.partition
  account         = local.account
  region          = local.region
  tenant          = var.tenant
  sites           = var.sites
  auditors        = var.auditors
  erasers         = var.erasers
  session_minutes = var.session_minutes
  bucket          = local.bucket
  audit_bucket    = local.audit_bucket
  key_arn         = aws_kms_key.tenant.arn
  replica         = var.replica
  retention_days  = merge(var.retention_days, { audit = local.audit_days })
  queue_arns      = { for name, queue in aws_sqs_queue.queue : name => queue.arn }
}
