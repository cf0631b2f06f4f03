"""Files (附件与签发文件): contents sealed outside the database, looked into before anyone may have them."""
