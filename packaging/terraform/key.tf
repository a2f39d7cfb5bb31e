# The tenant's key: artifacts are sealed for it, and the buckets encrypt with it on top. Nobody is
# allowed to use it by a policy elsewhere alone, the account's administrators included.

resource "aws_kms_key" "tenant" {
  description             = "Karakuri, tenant ${var.tenant}"
  enable_key_rotation     = true
  rotation_period_in_days = 365
  deletion_window_in_days = 30
  policy                  = module.documents.key
  tags                    = local.tags

  # KMS refuses a policy that names roles which are not there.
  depends_on = [aws_iam_role.courier, aws_iam_role.auditor, aws_iam_role.eraser, aws_iam_role.replication]

  lifecycle {
    # Without the key nothing can be opened again.
    prevent_destroy = true
  }
}
