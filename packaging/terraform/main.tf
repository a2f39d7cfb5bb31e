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
  session_minutes = var.session_minutes
  bucket          = local.bucket
  audit_bucket    = local.audit_bucket
  key_arn         = aws_kms_key.tenant.arn
  replica         = var.replica
  queue_arns      = { for name, queue in aws_sqs_queue.queue : name => queue.arn }
}
